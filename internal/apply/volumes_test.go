package apply_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/apply"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

func TestVolumesFollowTheDeletionPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settled()
	other := metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: "somebody", UID: "another"}
	ours := metav1.OwnerReference{
		APIVersion: "ragservice.dev/v1alpha1", Kind: "RAGService", Name: "papers", UID: w.rag.UID,
	}
	claim := w.createClaim(desired.ComponentOpenSearch, other)
	ref := apply.Ref{Component: desired.ComponentOpenSearch, Kind: "PersistentVolumeClaim", Name: "data-papers-opensearch-0"}
	for _, step := range []struct {
		policy v1alpha1.DeletionPolicy
		want   []metav1.OwnerReference
		writes []apply.Ref
	}{
		{v1alpha1.DeletionPolicyRetain, []metav1.OwnerReference{other}, nil},
		{v1alpha1.DeletionPolicyDelete, []metav1.OwnerReference{other, ours}, []apply.Ref{ref}},
		{v1alpha1.DeletionPolicyRetain, []metav1.OwnerReference{other}, []apply.Ref{ref}},
	} {
		w.rag.Spec.DeletionPolicy = step.policy
		state := w.state()
		state.Generated = nil
		if diff := cmp.Diff(apply.ChangeSet{Updated: step.writes}, w.apply(state)); diff != "" {
			t.Errorf("%s: changes (-want +got):\n%s", step.policy, diff)
		}
		after := get(w, claim.Name, &corev1.PersistentVolumeClaim{})
		if diff := cmp.Diff(step.want, after.OwnerReferences); diff != "" {
			t.Errorf("%s: owners (-want +got):\n%s", step.policy, diff)
		}
		w.cached(after)
		w.settled()
	}
}

// TestAVolumeIsMarked beside what others have written on it, and the mark taken off alone.
func TestAVolumeIsMarked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settled()
	claim := w.createClaim(desired.ComponentOpenSearch)
	claim.Annotations = map[string]string{"example.com/backup": "daily"}
	w.update(claim)
	for _, value := range []string{"uuid", ""} {
		want := map[string]string{"example.com/backup": "daily"}
		if value != "" {
			want[desired.AnnotationClusterUUID] = value
		}
		state := w.state()
		state.Generated, state.Actions = nil, []desired.Action{desired.MarkClaim{
			Component: desired.ComponentOpenSearch, Name: claim.Name, Annotation: desired.AnnotationClusterUUID, Value: value,
		}}
		w.apply(state)
		if diff := cmp.Diff(want, get(w, claim.Name, &corev1.PersistentVolumeClaim{}).Annotations); diff != "" {
			t.Errorf("%q: annotations (-want +got):\n%s", value, diff)
		}
	}
}

// createClaim makes the claim of a store's first pod, as the StatefulSet's controller would.
func (w *world) createClaim(c desired.Component, owners ...metav1.OwnerReference) *corev1.PersistentVolumeClaim {
	w.t.Helper()
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{
			Name: desired.ClaimName("papers", c), Labels: desired.Labels("papers", c), OwnerReferences: owners,
		},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")},
			},
		},
	}
	w.create(claim)
	w.cached(claim)
	return claim
}

// Volumes grow with the spec. The templates of a StatefulSet cannot be changed, so it is made anew; its pods stay.
func TestVolumesGrow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	grows := &storagev1.StorageClass{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "grows-"}, Provisioner: "example.com/disk", AllowVolumeExpansion: new(true),
	}
	fixed := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{GenerateName: "fixed-"}, Provisioner: "example.com/disk"}
	for _, class := range []*storagev1.StorageClass{grows, fixed} {
		if err := w.user.Create(t.Context(), class); err != nil {
			t.Fatal(err)
		}
	}
	w.rag.Spec.OpenSearch.Managed.Storage, w.rag.Spec.Redis.Managed.StateStorage = "1Gi", "1Gi"
	w.settled()
	growing, staying := w.boundClaim(desired.ComponentOpenSearch, grows.Name), w.boundClaim(desired.ComponentRedisState, fixed.Name)
	before := get(w, "papers-opensearch", &appsv1.StatefulSet{})

	w.rag.Spec.OpenSearch.Managed.Storage, w.rag.Spec.Redis.Managed.StateStorage = "3Gi", "3Gi"
	state := w.state()
	state.Generated = nil
	_, err := w.applier.Apply(t.Context(), w.rag, state)
	reasons := map[string]string{}
	for _, f := range apply.Failures(err) {
		reasons[f.Kind+" "+f.Name] = f.Reason()
	}
	want := map[string]string{
		"PersistentVolumeClaim " + staying.Name: v1alpha1.ReasonApplyFailed,
		"StatefulSet papers-opensearch":         v1alpha1.ReasonProgressing,
		"StatefulSet papers-redis-state":        v1alpha1.ReasonProgressing,
	}
	if diff := cmp.Diff(want, reasons); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	for claim, size := range map[*corev1.PersistentVolumeClaim]string{growing: "3Gi", staying: "1Gi"} {
		after := get(w, claim.Name, &corev1.PersistentVolumeClaim{})
		if got := after.Spec.Resources.Requests.Storage(); got.String() != size {
			t.Errorf("%s asks for %s, want %s", claim.Name, got, size)
		}
	}
	going := get(w, "papers-opensearch", &appsv1.StatefulSet{})
	if going.DeletionTimestamp == nil || !slices.Contains(going.Finalizers, metav1.FinalizerOrphanDependents) {
		t.Fatalf("the StatefulSet is not deleted, or with its pods: %v", going.Finalizers)
	}
	// As the garbage collector does once the pods are orphans.
	going.Finalizers = nil
	if err := w.user.Update(t.Context(), going); err != nil {
		t.Fatal(err)
	}
	if err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		state := w.state()
		state.Generated = nil
		_, _ = w.applier.Apply(ctx, w.rag, state)
		var set appsv1.StatefulSet
		err := w.user.Get(ctx, client.ObjectKeyFromObject(before), &set)
		return err == nil && set.UID != before.UID && set.Spec.VolumeClaimTemplates[0].Spec.Resources.Requests.Storage().String() == "3Gi", nil
	}); err != nil {
		t.Errorf("the StatefulSet does not come back with larger volumes: %v", err)
	}
}

// boundClaim is a claim that has a volume of a class, as the provisioner makes it.
func (w *world) boundClaim(c desired.Component, class string) *corev1.PersistentVolumeClaim {
	w.t.Helper()
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.rag.Namespace, Name: desired.ClaimName("papers", c), Labels: desired.Labels("papers", c)},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, StorageClassName: &class, VolumeName: "of-" + string(c),
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		},
	}
	w.create(claim)
	claim.Status.Phase = corev1.ClaimBound
	claim.Status.Capacity = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
	if err := w.user.Status().Update(w.t.Context(), claim); err != nil {
		w.t.Fatal(err)
	}
	w.cached(claim)
	return claim
}
