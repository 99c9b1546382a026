package apply_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/internal/apply"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

func TestPruneDeletesWhatIsNoLongerWanted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settled()
	another := metav1.OwnerReference{
		APIVersion: "v1", Kind: "ConfigMap", Name: "somebody", UID: "another", Controller: new(true),
	}
	bystanders := []client.Object{
		theirs(&corev1.ConfigMap{}, "without-owner"),
		theirs(&corev1.ConfigMap{}, "of-another", another),
	}
	for _, o := range bystanders {
		w.create(o)
		w.cached(o)
	}
	w.rag.Spec.NetworkPolicy.Enabled = new(false)
	w.rag.Spec.NetworkPolicy.Egress = nil

	state := w.state()
	state.Generated = nil
	got := w.apply(state)
	policy := func(c desired.Component) apply.Ref {
		return apply.Ref{Component: c, Kind: "NetworkPolicy", Name: desired.Name("papers", c)}
	}
	want := []apply.Ref{
		policy(desired.ComponentOpenSearch), policy(desired.ComponentRedisCache),
		policy(desired.ComponentRedisState), policy(desired.ComponentServer), policy(desired.ComponentSnapshots),
	}
	slices.SortFunc(got.Deleted, func(a, b apply.Ref) int { return strings.Compare(a.Name, b.Name) })
	if diff := cmp.Diff(apply.ChangeSet{Deleted: want}, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	generated := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "papers-redis"}}
	for _, o := range append(bystanders, generated) {
		if !w.exists(o, o.GetName()) {
			t.Errorf("%s is gone", o.GetName())
		}
	}
}

// theirs is an object with our labels, which anybody can write.
func theirs(o client.Object, name string, owners ...metav1.OwnerReference) client.Object {
	o.SetName(name)
	o.SetLabels(desired.Labels("papers", desired.ComponentServer))
	o.SetOwnerReferences(owners)
	return o
}

// Between the cache's look and the deletion the object may have changed hands.
func TestPruneDeletesOnlyTheStateThatItJudged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settled()
	state := w.state()
	state.Generated = nil
	for i, c := range state.Components {
		state.Components[i].Objects = slices.DeleteFunc(c.Objects, func(o desired.Object) bool {
			return o.GVK.Kind == "NetworkPolicy" && o.Component == desired.ComponentServer
		})
	}
	live, err := client.New(w.config, client.Options{Scheme: w.manager.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = apply.New(handOver{w.manager, w}, live, noCustomKinds{}, nil).Apply(w.t.Context(), w.rag, state)
	failures := apply.Failures(err)
	if len(failures) != 1 || !apierrors.IsConflict(failures[0]) || failures[0].Reason() != "ReconcileFailed" {
		t.Errorf("failures %v, want a conflict", err)
	}
	if !w.exists(&networkingv1.NetworkPolicy{}, "papers-server") {
		t.Error("the object that somebody took over is gone")
	}
}

// handOver is a manager's client whose deletions come just after somebody else has taken the object over.
type handOver struct {
	client.Client
	w *world
}

func (h handOver) Delete(ctx context.Context, object client.Object, options ...client.DeleteOption) error {
	policy := get(h.w, object.GetName(), &networkingv1.NetworkPolicy{})
	policy.OwnerReferences = nil
	if err := h.w.user.Update(ctx, policy); err != nil {
		return err
	}
	return h.Client.Delete(ctx, object, options...)
}
