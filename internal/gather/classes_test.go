package gather_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

func TestStorageClassesOfWhatExists(t *testing.T) {
	t.Parallel()
	w := newFullWorld(t)
	for _, set := range []struct {
		component desired.Component
		class     *string
	}{{desired.ComponentRedisState, new("slow")}, {desired.ComponentOpenSearch, nil}} {
		if got, known := w.gather().StorageClasses[set.component]; known {
			t.Errorf("%s has class %q before it exists", set.component, got)
		}
		labels := desired.Selector(w.rag.Name, set.component)
		owner := metav1.NewControllerRef(w.rag, v1alpha1.GroupVersion.WithKind(desired.Kind))
		made := &appsv1.StatefulSet{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: w.rag.Namespace, Name: desired.Name(w.rag.Name, set.component), OwnerReferences: []metav1.OwnerReference{*owner},
			},
			Spec: appsv1.StatefulSetSpec{
				Selector: &metav1.LabelSelector{MatchLabels: labels},
				Template: corev1.PodTemplateSpec{
					ObjectMeta: metav1.ObjectMeta{Labels: labels},
					Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}},
				},
				VolumeClaimTemplates: []corev1.PersistentVolumeClaim{{
					ObjectMeta: metav1.ObjectMeta{Name: "data"},
					Spec: corev1.PersistentVolumeClaimSpec{
						AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, StorageClassName: set.class,
						Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
					},
				}},
			},
		}
		if err := w.client.Create(t.Context(), made); err != nil {
			t.Fatal(err)
		}
	}
	want := map[desired.Component]string{desired.ComponentRedisState: "slow", desired.ComponentOpenSearch: ""}
	if diff := cmp.Diff(want, w.gather().StorageClasses); diff != "" {
		t.Errorf("classes (-want +got):\n%s", diff)
	}
}
