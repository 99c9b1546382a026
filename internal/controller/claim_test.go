package controller_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// lease is one that is held, as leader election writes it.
func (w *world) lease(name string, renewed time.Time) *coordinationv1.Lease {
	w.t.Helper()
	lease := &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name},
		Spec: coordinationv1.LeaseSpec{
			HolderIdentity: new("pod"), LeaseDurationSeconds: new(int32(15)), RenewTime: &metav1.MicroTime{Time: renewed},
		},
	}
	w.must(w.Create(w.t.Context(), lease))
	return lease
}

// operatedBy waits until the server's Deployment and its pods have the label of an operator.
func (w *world) operatedBy(rag *v1alpha1.RAGService, id string) {
	w.t.Helper()
	w.eventually(func() string {
		w.must(w.Get(w.t.Context(), client.ObjectKeyFromObject(rag), rag))
		if rag.Status.Operator != id {
			return "status.operator is " + rag.Status.Operator + ", want " + id
		}
		var server appsv1.Deployment
		key := client.ObjectKey{Namespace: rag.Namespace, Name: desired.Name(rag.Name, desired.ComponentServer)}
		if err := w.Get(w.t.Context(), key, &server); err != nil {
			return err.Error()
		}
		for _, labels := range []map[string]string{server.Labels, server.Spec.Template.Labels} {
			if got := labels[desired.LabelOperator]; got != id {
				return "the server is labelled " + got + ", want " + id
			}
		}
		return ""
	})
}

func TestOperatorLeavesAloneWhatAnotherWorksOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	lease := w.lease("first", time.Now())
	first, second := w.namespace+".first", w.namespace+".second"
	one := w.startOperatorAs(first)
	rag := w.service()
	w.must(w.Create(t.Context(), rag))
	w.operatedBy(rag, first)

	two := w.startOperatorAs(second)
	w.eventuallyTells(v1alpha1.EventForeignOperator)
	w.edit(rag, func(s *v1alpha1.RAGServiceSpec) { s.Server.Replicas = new(int32(3)) })
	w.eventually(func() string {
		w.must(w.Get(t.Context(), client.ObjectKeyFromObject(rag), rag))
		if *rag.Status.ObservedGeneration != rag.Generation {
			return "the first operator does not follow the spec"
		}
		return ""
	})
	two.pass(t, rag)
	if writes := two.requests.writesSince(0); len(writes) > 0 {
		t.Errorf("the second operator wrote %q", writes)
	}
	w.operatedBy(rag, first)

	one.stop()
	before := lease.DeepCopy()
	lease.Spec.HolderIdentity = new("") // as an operator does that stops
	w.must(w.Patch(t.Context(), lease, client.MergeFrom(before)))
	two.pass(t, rag)
	w.operatedBy(rag, second)
}

func TestOperatorTakesOverFromOneThatHasGone(t *testing.T) {
	t.Parallel()
	tests := map[string]func(w *world) (id string){
		"its lease has run out":       func(w *world) string { w.lease("gone", time.Now().Add(-time.Hour)); return w.namespace + ".gone" },
		"its lease was deleted":       func(w *world) string { return w.namespace + ".gone" },
		"it runs outside the cluster": func(*world) string { return "elsewhere" },
	}
	for name, other := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			rag := w.service()
			w.must(w.Create(t.Context(), rag))
			before := rag.DeepCopy()
			rag.Status.Operator = other(w)
			w.must(w.Status().Patch(t.Context(), rag, client.MergeFrom(before)))
			w.startOperatorAs(w.namespace + ".new")
			w.operatedBy(rag, w.namespace+".new")
		})
	}
}

// An operator for a few namespaces may not read leases of others.
func TestOperatorLeavesAloneWhenItMayNotReadTheLease(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rag := w.service()
	w.must(w.Create(t.Context(), rag))
	before := rag.DeepCopy()
	rag.Status.Operator = "default.other"
	w.must(w.Status().Patch(t.Context(), rag, client.MergeFrom(before)))
	o := w.startOperatorAs(w.namespace + ".new")
	w.eventuallyTells(v1alpha1.EventForeignOperator)
	if writes := o.requests.writesSince(0); len(writes) > 0 {
		t.Errorf("it wrote %q", writes)
	}
}
