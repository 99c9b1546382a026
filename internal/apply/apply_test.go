package apply_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/internal/apply"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
)

func TestFirstPassCreatesAllAndSecondSendsNothing(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*world){
		"smallest": func(w *world) { w.rag.Spec = desiredtest.Smallest().Spec },
		"full":     func(*world) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			change(w)
			state := w.state()
			first := w.apply(state)
			if want := len(state.Objects()) + len(state.Generated); len(first.Created) != want {
				t.Errorf("%d objects created, want %d", len(first.Created), want)
			}
			if first.Created = nil; !first.Empty() {
				t.Errorf("a first pass has also %+v", first)
			}
			w.settled()
		})
	}
}

// A pass right after another must not take a cache that is behind for somebody's interference.
func TestPassBeforeTheCacheKnowsChangesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	state := w.state()
	w.apply(state)
	if changes := w.apply(state); !changes.Empty() {
		t.Errorf("the second pass changed %+v", changes)
	}
}

// drifts are what somebody else may change of the objects: each gives one as changed, and what it is named by.
var drifts = map[string]func(*world) (client.Object, apply.Ref){
	"ServiceAccount": func(w *world) (client.Object, apply.Ref) {
		o := get(w, "papers-server", &corev1.ServiceAccount{})
		o.AutomountServiceAccountToken = new(true)
		return o, apply.Ref{Component: desired.ComponentServer, Kind: "ServiceAccount", Name: o.Name}
	},
	"ConfigMap": func(w *world) (client.Object, apply.Ref) {
		o := get(w, "papers-server", &corev1.ConfigMap{})
		o.Data["config.yaml"] = "{}"
		return o, apply.Ref{Component: desired.ComponentServer, Kind: "ConfigMap", Name: o.Name}
	},
	"Service": func(w *world) (client.Object, apply.Ref) {
		o := get(w, "papers-opensearch", &corev1.Service{})
		o.Spec.Selector[desired.LabelInstance] = "another"
		return o, apply.Ref{Component: desired.ComponentOpenSearch, Kind: "Service", Name: o.Name}
	},
	// The apply alone would make two ports of one name, which the API server refuses.
	"the number of a port": func(w *world) (client.Object, apply.Ref) {
		o := get(w, "papers-server", &corev1.Service{})
		o.Spec.Ports[0].Port = 8888
		return o, apply.Ref{Component: desired.ComponentServer, Kind: "Service", Name: o.Name}
	},
	"NetworkPolicy": func(w *world) (client.Object, apply.Ref) {
		o := get(w, "papers-redis-state", &networkingv1.NetworkPolicy{})
		o.Spec.Ingress[0].From = nil
		return o, apply.Ref{Component: desired.ComponentRedisState, Kind: "NetworkPolicy", Name: o.Name}
	},
	"Ingress": func(w *world) (client.Object, apply.Ref) {
		o := get(w, "papers-server", &networkingv1.Ingress{})
		o.Spec.Rules[0].Host, o.Spec.TLS = "stolen.example.com", nil
		return o, apply.Ref{Component: desired.ComponentServer, Kind: "Ingress", Name: o.Name}
	},
	"PodDisruptionBudget": func(w *world) (client.Object, apply.Ref) {
		o := get(w, "papers-server", &policyv1.PodDisruptionBudget{})
		o.Spec.MaxUnavailable = new(intstr.FromInt32(9))
		return o, apply.Ref{Component: desired.ComponentServer, Kind: "PodDisruptionBudget", Name: o.Name}
	},
	"StatefulSet": func(w *world) (client.Object, apply.Ref) {
		o := get(w, "papers-redis-cache", &appsv1.StatefulSet{})
		o.Spec.Template.Spec.Containers[0].SecurityContext.ReadOnlyRootFilesystem = new(false)
		return o, apply.Ref{Component: desired.ComponentRedisCache, Kind: "StatefulSet", Name: o.Name}
	},
	"Deployment": func(w *world) (client.Object, apply.Ref) {
		o := get(w, "papers-server", &appsv1.Deployment{})
		o.Spec.Replicas = new(int32(0))
		return o, apply.Ref{Component: desired.ComponentServer, Kind: "Deployment", Name: o.Name}
	},
	"owner reference": func(w *world) (client.Object, apply.Ref) {
		o := get(w, "papers-server", &corev1.Service{})
		o.OwnerReferences[0].BlockOwnerDeletion = new(false)
		return o, apply.Ref{Component: desired.ComponentServer, Kind: "Service", Name: o.Name}
	},
	"all owner references": func(w *world) (client.Object, apply.Ref) {
		o := get(w, "papers-opensearch", &appsv1.StatefulSet{})
		o.OwnerReferences = nil
		return o, apply.Ref{Component: desired.ComponentOpenSearch, Kind: "StatefulSet", Name: o.Name}
	},
	"all owner references and labels": func(w *world) (client.Object, apply.Ref) {
		o := get(w, "papers-redis-cache", &corev1.Service{})
		o.OwnerReferences, o.Labels = nil, nil
		return o, apply.Ref{Component: desired.ComponentRedisCache, Kind: "Service", Name: o.Name}
	},
	"a label": func(w *world) (client.Object, apply.Ref) {
		o := get(w, "papers-server", &corev1.ConfigMap{})
		delete(o.Labels, desired.LabelPartOf)
		return o, apply.Ref{Component: desired.ComponentServer, Kind: "ConfigMap", Name: o.Name}
	},
	// Without our labels the object is not in the cache.
	"all labels": func(w *world) (client.Object, apply.Ref) {
		o := get(w, "papers-opensearch", &corev1.ConfigMap{})
		o.Labels = nil
		return o, apply.Ref{Component: desired.ComponentOpenSearch, Kind: "ConfigMap", Name: o.Name}
	},
}

func TestDriftIsRepaired(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	state := w.settled()
	for name, drift := range drifts {
		object, ref := drift(w)
		w.update(object)
		changes := w.apply(state)
		if diff := cmp.Diff(apply.ChangeSet{Drifted: []apply.Ref{ref}}, changes); diff != "" {
			t.Errorf("%s: changes (-want +got):\n%s", name, diff)
		}
		w.settled()
	}
}

func TestForeignFieldsSurvive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rag.Spec.Server.Scheduling.NodeSelector = nil // the API server compares it as a whole
	w.settled()
	d := get(w, "papers-server", &appsv1.Deployment{})
	d.Labels["team"] = "search"
	d.Annotations["deployment.kubernetes.io/revision"] = "7"
	d.Spec.Template.Annotations["kubectl.kubernetes.io/restartedAt"] = "now"
	d.Spec.Template.Spec.NodeSelector = map[string]string{"disk": "fast"}
	d.Spec.Template.Spec.Containers[0].Env = append(d.Spec.Template.Spec.Containers[0].Env, corev1.EnvVar{Name: "THEIRS", Value: "1"})
	w.update(d)
	w.settled()

	w.rag.Spec.Server.Replicas = new(int32(4))
	w.settled()
	got := get(w, "papers-server", &appsv1.Deployment{})
	pod := got.Spec.Template
	if *got.Spec.Replicas != 4 {
		t.Errorf("%d replicas, want 4", *got.Spec.Replicas)
	}
	theirs := func(e corev1.EnvVar) bool { return e.Name == "THEIRS" }
	if got.Labels["team"] == "" || got.Annotations["deployment.kubernetes.io/revision"] == "" ||
		pod.Annotations["kubectl.kubernetes.io/restartedAt"] == "" || pod.Spec.NodeSelector["disk"] == "" ||
		!slices.ContainsFunc(pod.Spec.Containers[0].Env, theirs) {
		t.Errorf("a field of somebody else's is gone from %+v", got)
	}
}

// What is no longer rendered goes, though no rendered field differs: the hash of what was applied tells.
func TestFieldsNoLongerRenderedGo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settled()
	w.rag.Spec.Models = desiredtest.Smallest().Spec.Models
	changes := w.apply(w.state())
	want := apply.Ref{Component: desired.ComponentServer, Kind: "Deployment", Name: "papers-server"}
	if !slices.Contains(changes.Updated, want) {
		t.Errorf("updated %v, want %v among them", changes.Updated, want)
	}
	for _, v := range get(w, "papers-server", &appsv1.Deployment{}).Spec.Template.Spec.Volumes {
		if v.Name == "llm" {
			t.Error("the Secret of the model is still mounted")
		}
	}
}

func TestNameConflictLeavesTheObjectAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plain := &corev1.ConfigMap{Data: map[string]string{"theirs": "1"}}
	plain.Name = "papers-server"
	labelled := &corev1.Service{Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 1}}}}
	labelled.Name, labelled.Labels = "papers-opensearch", desired.Labels("papers", desired.ComponentOpenSearch)
	w.create(plain)
	w.create(labelled)
	w.cached(labelled)

	_, err := w.applier.Apply(w.t.Context(), w.rag, w.state())
	var got []apply.Ref
	for _, f := range apply.Failures(err) {
		if f.Reason() != "NameConflict" {
			t.Errorf("%v: reason %s", f, f.Reason())
		}
		got = append(got, f.Ref)
	}
	want := []apply.Ref{
		{Component: desired.ComponentOpenSearch, Kind: "Service", Name: "papers-opensearch"},
		{Component: desired.ComponentServer, Kind: "ConfigMap", Name: "papers-server"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	for _, before := range []client.Object{plain, labelled} {
		after := before.DeepCopyObject().(client.Object)
		if get(w, before.GetName(), after).GetResourceVersion() != before.GetResourceVersion() {
			t.Errorf("%T %s was written to", before, before.GetName())
		}
	}
	if !w.exists(&policyv1.PodDisruptionBudget{}, "papers-server") || !w.exists(&appsv1.StatefulSet{}, "papers-redis-state") {
		t.Error("a conflict kept another object from being made")
	}
	if w.exists(&appsv1.Deployment{}, "papers-server") || w.exists(&appsv1.StatefulSet{}, "papers-opensearch") {
		t.Error("a workload was made without an object that its pods need")
	}
}

// An object that the API server refuses does not keep the others from being written, and says whose it is.
func TestRefusedObjectIsAFailureOfItsComponent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settled()
	w.rag.Spec.OpenSearch.Managed.Storage = "1Gi" // the schema refuses this change, as a StatefulSet does
	w.rag.Spec.Server.Image = "example.com/ragserver:3"
	_, err := w.applier.Apply(w.t.Context(), w.rag, w.state())
	failures := apply.Failures(err)
	if len(failures) != 1 || failures[0].Component != desired.ComponentOpenSearch || failures[0].Reason() != "ApplyFailed" {
		t.Errorf("failures %v, want ApplyFailed of the search engine", err)
	}
	if image := get(w, "papers-server", &appsv1.Deployment{}).Spec.Template.Spec.Containers[0].Image; image != "example.com/ragserver:3" {
		t.Errorf("the server runs %s", image)
	}
}
