package apply_test

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/apply"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// The cache may not show yet that a RAGService is deleted with its children left behind. What it took back then would be collected.
func TestNothingIsTakenBackForAServiceThatGoes(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(*world){
		"that is being deleted": func(w *world) {
			w.rag.Finalizers = []string{metav1.FinalizerOrphanDependents}
			if err := w.user.Update(t.Context(), w.rag); err != nil {
				t.Fatal(err)
			}
			w.delete()
		},
		"that is gone": func(w *world) { w.delete() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.rag.Spec.DeletionPolicy = v1alpha1.DeletionPolicyDelete
			w.apply(w.candidate("drawn"))
			w.settled()
			claim := w.createClaim(desired.ComponentOpenSearch)
			service, secret := get(w, "papers-server", &corev1.Service{}), get(w, "papers-redis", &corev1.Secret{})
			remove(w)
			for _, child := range []client.Object{service, secret} {
				child.SetOwnerReferences(nil) // as the garbage collector does
				if err := w.user.Update(t.Context(), child); err != nil {
					t.Fatal(err)
				}
			}
			w.cached(service)
			plan := w.state()
			plan.Generated = nil
			plan.Actions = append(plan.Actions, desired.OwnSecret{Name: secret.Name, GoesWithService: true})
			_, err := w.applier.Apply(t.Context(), w.rag, plan)
			failures := apply.Failures(err)
			if len(failures) != 3 {
				t.Errorf("failures %v, want those of the Service, the claim and the Secret", err)
			}
			for _, f := range failures {
				if !errors.Is(f, apply.ErrServiceGoes) || f.Reason() != v1alpha1.ReasonProgressing {
					t.Errorf("%v: reason %s", f, f.Reason())
				}
			}
			for _, child := range []client.Object{service, secret, claim} {
				if got := get(w, child.GetName(), child).GetOwnerReferences(); len(got) > 0 {
					t.Errorf("%s is owned by %v", child.GetName(), got)
				}
			}
		})
	}
}

// delete deletes w.rag, and leaves w.rag as a cache that is behind shows it.
func (w *world) delete() {
	w.t.Helper()
	if err := w.user.Delete(w.t.Context(), w.rag.DeepCopy()); err != nil {
		w.t.Fatal(err)
	}
}
