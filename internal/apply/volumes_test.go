package apply_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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
