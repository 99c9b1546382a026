package apply_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/apply"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// replicasOwners are the managers of the number of pods.
func replicasOwners(t *testing.T, d *appsv1.Deployment) (owners []string) {
	t.Helper()
	for _, entry := range d.ManagedFields {
		var fields struct {
			Spec map[string]any `json:"f:spec"`
		}
		if err := json.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields); err != nil {
			t.Fatal(err)
		}
		if _, owned := fields.Spec["f:replicas"]; owned {
			owners = append(owners, entry.Manager)
		}
	}
	slices.Sort(owners)
	return owners
}

// scale is what a HorizontalPodAutoscaler does, which does not run here.
func (w *world) scale(to int32) {
	w.t.Helper()
	d := get(w, "papers-server", &appsv1.Deployment{})
	body := &autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Name: d.Name, Namespace: d.Namespace}, Spec: autoscalingv1.ScaleSpec{Replicas: to}}
	if err := w.user.SubResource("scale").Update(w.t.Context(), d, client.WithSubResourceBody(body), client.FieldOwner("autoscaler")); err != nil {
		w.t.Fatal(err)
	}
	w.cached(get(w, "papers-server", &appsv1.Deployment{}))
}

// counts watches the number of pods of the Deployment: stop returns each that it had, in turn.
func (w *world) counts() (stop func() []int32) {
	w.t.Helper()
	c, err := client.NewWithWatch(w.config, client.Options{Scheme: w.user.Scheme()})
	if err != nil {
		w.t.Fatal(err)
	}
	start := get(w, "papers-server", &appsv1.Deployment{}).ResourceVersion
	events, err := c.Watch(w.t.Context(), &appsv1.DeploymentList{}, client.InNamespace(w.rag.Namespace),
		&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: start}})
	if err != nil {
		w.t.Fatal(err)
	}
	return func() (seen []int32) {
		w.t.Helper()
		defer events.Stop()
		end := get(w, "papers-server", &appsv1.Deployment{}).ResourceVersion
		for end != start {
			event, ok := <-events.ResultChan()
			d, is := event.Object.(*appsv1.Deployment)
			if !ok || !is {
				w.t.Fatalf("the watch ends with %v", event)
			}
			if n := *d.Spec.Replicas; len(seen) == 0 || seen[len(seen)-1] != n {
				seen = append(seen, n)
			}
			start = d.ResourceVersion
		}
		return seen
	}
}

func (w *world) autoscale(least, most int32) {
	w.rag.Spec.Server.Autoscaling = &v1alpha1.AutoscalingSpec{MinReplicas: &least, MaxReplicas: most}
}

// The number of pods never falls while it goes from the operator to an autoscaler and back, and each has it to itself.
func TestReplicasAreHandedOverAndTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rag.Spec.Server.Replicas = new(int32(3))
	w.settled()
	check := func(when string, replicas int32, owners ...string) {
		t.Helper()
		d := get(w, "papers-server", &appsv1.Deployment{})
		if got := replicasOwners(t, d); *d.Spec.Replicas != replicas || !slices.Equal(got, owners) {
			t.Errorf("%s: %d pods, a number of %v; want %d of %v", when, *d.Spec.Replicas, got, replicas, owners)
		}
	}
	check("before", 3, string(apply.FieldOwner))

	seen := w.counts()
	w.autoscale(2, 9)
	w.settled()
	check("handed over", 3, string(apply.HandOffOwner))
	w.scale(7)
	w.settled()
	check("scaled", 7, "autoscaler")
	w.rag.Spec.Server.Image = "ragserver:next"
	w.settled()
	check("rolled meanwhile", 7, "autoscaler")

	w.rag.Spec.Server.Replicas, w.rag.Spec.Server.Autoscaling = new(int32(5)), nil
	w.settled()
	check("taken back", 5, string(apply.FieldOwner))
	if w.exists(&autoscalingv2.HorizontalPodAutoscaler{}, "papers-server") {
		t.Error("the autoscaler is still there")
	}
	w.autoscale(2, 9)
	w.settled()
	check("handed over again", 5, string(apply.HandOffOwner))
	if diff := cmp.Diff([]int32{3, 7, 5}, seen()); diff != "" {
		t.Errorf("numbers of pods (-want +got):\n%s", diff)
	}
}

// An autoscaler leaves a Deployment of no pods alone, so that one that somebody stops is started again.
func TestAutoscaledDeploymentIsNotLeftWithoutPods(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.autoscale(2, 9)
	w.settled()
	for _, to := range []int32{0, 1} {
		w.scale(to)
		w.settled()
		if n := *get(w, "papers-server", &appsv1.Deployment{}).Spec.Replicas; n != 2 {
			t.Errorf("scaled to %d: %d pods, want the least, 2", to, n)
		}
	}
	w.scale(4)
	if changes := w.apply(w.state()); !changes.Empty() {
		t.Errorf("scaled to 4: %+v", changes)
	}
}

func TestDriftOfTheAutoscalerIsRepaired(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.autoscale(2, 9)
	state := w.settled()
	ref := apply.Ref{Component: desired.ComponentServer, Kind: "HorizontalPodAutoscaler", Name: "papers-server"}
	h := get(w, ref.Name, &autoscalingv2.HorizontalPodAutoscaler{})
	h.Spec.MaxReplicas = 90
	h.Spec.Metrics = nil
	w.update(h)
	if diff := cmp.Diff(apply.ChangeSet{Drifted: []apply.Ref{ref}}, w.apply(state)); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	w.settled()
	if h = get(w, ref.Name, h); h.Spec.MaxReplicas != 9 || len(h.Spec.Metrics) != 1 || h.Spec.Metrics[0].ContainerResource == nil {
		t.Errorf("the autoscaler is %+v", h.Spec)
	}
	if err := w.user.Delete(t.Context(), h); err != nil {
		t.Fatal(err)
	}
	w.settled()
	if !w.exists(h, ref.Name) {
		t.Error("a deleted autoscaler is not made again")
	}
}
