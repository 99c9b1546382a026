package controller_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// TestNothingIsMadeWhileItGoes deletes in the foreground, where the RAGService stays until its children are gone: here
// for ever, since nothing collects them.
func TestNothingIsMadeWhileItGoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.startOperator()
	rag := w.service()
	w.ready(rag)
	w.must(w.Delete(t.Context(), rag, client.PropagationPolicy(metav1.DeletePropagationForeground)))
	w.eventuallyShows(rag, map[string]string{"Ready": "False/Deleting", "Reconciling": "", "Stalled": ""})

	passes, requests := o.passes.n.Load(), o.requests.count()
	w.must(w.Delete(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "papers-server"}}))
	w.eventually(func() string {
		if o.passes.n.Load() == passes {
			return "the operator has not noticed"
		}
		return ""
	})
	o.pass(t, rag)
	if writes := o.requests.writesSince(requests); len(writes) > 0 {
		t.Errorf("a service that goes costs the writes %v", writes)
	}
}

// Nothing collects the children here; test/e2e shows that they go.
func TestTheVolumesThatStayAreNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startOperator()
	rag := w.service()
	w.must(w.Create(t.Context(), rag))
	claim := w.claim(rag)
	w.runStores(rag)
	w.eventuallyShows(rag, map[string]string{"OpenSearchReady": "True/Available"})

	w.must(w.Delete(t.Context(), rag))
	if note := w.eventuallyTells("VolumesRetained"); !strings.Contains(note, claim.Name) {
		t.Errorf("the event says %q", note)
	}
}

// A StatefulSet makes a claim again that was collected before it was itself. Nobody would own it.
func TestAVolumeThatIsMadeOnceMoreGoesToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.startOperator()
	rag := w.service(func(s *v1alpha1.RAGServiceSpec) { s.DeletionPolicy = v1alpha1.DeletionPolicyDelete })
	w.ready(rag)
	passes := o.passes.n.Load()
	w.must(w.Delete(t.Context(), rag))
	w.eventually(func() string {
		if o.passes.n.Load() == passes {
			return "the operator has not noticed"
		}
		return ""
	})

	again, of := w.newClaim(rag), func(uid string) map[string]string { return map[string]string{desired.AnnotationServiceUID: uid} }
	again.Annotations = of(string(rag.UID))
	earlier := w.newClaim(rag)
	earlier.Name, earlier.Annotations = "data-of-an-earlier", of("earlier")
	w.must(w.Create(t.Context(), earlier))
	w.must(w.Create(t.Context(), again))
	w.eventually(func() string {
		w.must(w.Get(t.Context(), client.ObjectKeyFromObject(again), again))
		if len(again.OwnerReferences) != 1 || again.OwnerReferences[0].UID != rag.UID {
			return "the garbage collector is not told to take it"
		}
		return ""
	})
	w.must(w.Get(t.Context(), client.ObjectKeyFromObject(earlier), earlier))
	if len(earlier.OwnerReferences) > 0 {
		t.Error("a volume of an earlier RAGService goes too")
	}
}

// claim makes the claim of OpenSearch's volume, as the StatefulSet's controller would.
func (w *world) claim(rag *v1alpha1.RAGService) *corev1.PersistentVolumeClaim {
	w.t.Helper()
	claim := w.newClaim(rag)
	w.must(w.Create(w.t.Context(), claim))
	return claim
}

func (w *world) newClaim(rag *v1alpha1.RAGService) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: w.namespace, Name: desired.ClaimName(rag.Name, desired.ComponentOpenSearch),
			Labels: desired.Labels(rag.Name, desired.ComponentOpenSearch),
		},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")},
			},
		},
	}
}
