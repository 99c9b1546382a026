package apply_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/apply"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// behind is a client whose cache shows one Deployment as it was.
type behind struct {
	client.Client
	was *appsv1.Deployment
}

func (b *behind) Get(ctx context.Context, key client.ObjectKey, into client.Object, options ...client.GetOption) error {
	if d, ok := into.(*appsv1.Deployment); ok && key.Name == b.was.Name {
		b.was.DeepCopyInto(d)
		return nil
	}
	return b.Client.Get(ctx, key, into, options...)
}

// A cache that does not show a write yet does not make it again, and it is told once.
func TestAWriteThatTheCacheDoesNotShowIsMadeOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settled()
	stale := &behind{w.manager, get(w, "papers-server", &appsv1.Deployment{})}
	applier := apply.New(stale, w.user, noCustomKinds{}, nil)
	w.rag.Spec.Server.Env = []v1alpha1.EnvVar{{Name: "A", Value: "b"}}
	plan := w.state()
	plan.Generated = nil
	for step, want := range []apply.ChangeSet{
		{Updated: []apply.Ref{{Component: desired.ComponentServer, Kind: "Deployment", Name: "papers-server"}}}, {},
	} {
		changes, err := applier.Apply(t.Context(), w.rag, plan)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, changes); diff != "" {
			t.Errorf("pass %d (-want +got):\n%s", step, diff)
		}
	}
	// Another change is written, whatever the cache shows.
	w.rag.Spec.Server.Env = nil
	plan = w.state()
	plan.Generated = nil
	if changes, err := applier.Apply(t.Context(), w.rag, plan); err != nil || len(changes.Updated) != 1 {
		t.Errorf("another change: %+v, %v", changes, err)
	}
}
