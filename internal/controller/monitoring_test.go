package controller_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/test/controlplane"
)

// installPrometheusOperator has the API server serve its kinds, as its types define them.
func (w *world) installPrometheusOperator() {
	w.t.Helper()
	definitions, err := exec.CommandContext(w.t.Context(), filepath.Join("..", "..", "hack", "deps", "monitoring-crds.sh")).Output()
	w.must(err)
	var paths []string
	for _, kind := range []string{"servicemonitors", "prometheusrules", "alertmanagerconfigs"} {
		paths = append(paths, filepath.Join(strings.TrimSpace(string(definitions)), "monitoring.coreos.com_"+kind+".yaml"))
	}
	controlplane.Install(w.t, w.config, envtest.CRDInstallOptions{Paths: paths})
}

// exists reads an object, of a kind that the API server may not serve, and says whether it is there.
func (w *world) exists(object client.Object, name string) bool {
	w.t.Helper()
	err := w.Get(w.t.Context(), client.ObjectKey{Namespace: w.namespace, Name: name}, object)
	if !apierrors.IsNotFound(err) && !meta.IsNoMatchError(err) {
		w.must(err)
	}
	return err == nil
}

// custom is an empty object of a kind.
func custom(kind schema.GroupVersionKind) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(kind)
	return object
}

// monitor reads the ServiceMonitor of papers; false while there is none.
func (w *world) monitor() (*unstructured.Unstructured, bool) {
	w.t.Helper()
	found := custom(desired.MonitorKind)
	return found, w.exists(found, "papers-server")
}

// TestMetricsAreFoundByAServiceMonitor from when the API server serves that kind, which may be later; until then by annotations, which go with
// it. What somebody does to it is repaired.
func TestMetricsAreFoundByAServiceMonitor(t *testing.T) {
	w := newWorld(t)
	first := w.startOperator()
	rag := w.service()
	w.ready(rag)
	w.eventuallyShows(rag, map[string]string{"MonitoringReady": "True/NotConfigured"})
	annotated := func() bool {
		var service corev1.Service
		w.must(w.Get(t.Context(), client.ObjectKey{Namespace: w.namespace, Name: "papers-metrics"}, &service))
		return service.Annotations["prometheus.io/scrape"] == "true"
	}
	if !annotated() {
		t.Error("nothing tells where the metrics are")
	}

	w.installPrometheusOperator()
	first.stop()
	second := w.startOperator() // the first one would look again within a minute
	w.eventuallyShows(rag, map[string]string{"MonitoringReady": "True/Monitored", "Ready": "True/Ready"})
	if _, exists := w.monitor(); !exists || annotated() {
		t.Errorf("there is a ServiceMonitor: %t; annotations as well: %t", exists, annotated())
	}
	stolen, _ := w.monitor()
	w.must(unstructured.SetNestedField(stolen.Object, map[string]any{"matchLabels": map[string]any{"of": "somebody"}}, "spec", "selector"))
	w.must(w.Update(t.Context(), stolen))
	w.eventually(func() string {
		found, _ := w.monitor()
		if of, _, _ := unstructured.NestedString(found.Object, "spec", "selector", "matchLabels", "of"); of != "" {
			return "the ServiceMonitor is not repaired"
		}
		return ""
	})
	w.eventually(func() string {
		before := second.requests.count()
		second.pass(t, rag)
		if made := second.requests.since(before); len(made) > 0 {
			return "a pass over a service with a ServiceMonitor asks the API server for " + strings.Join(made, ", ")
		}
		return ""
	})

	w.must(w.Get(t.Context(), client.ObjectKeyFromObject(rag), rag))
	w.edit(rag, func(s *v1alpha1.RAGServiceSpec) { s.Monitoring.ServiceMonitor.Mode = v1alpha1.MonitoringDisabled })
	w.eventually(func() string {
		if _, exists := w.monitor(); exists || !annotated() {
			return "the ServiceMonitor is still there, or nothing tells where the metrics are"
		}
		return ""
	})
	w.eventuallyShows(rag, map[string]string{"MonitoringReady": "True/NotConfigured", "Ready": "True/Ready", "Reconciling": ""})
}

// TestMonitoringStopsNoServer: while an object of it cannot be written, servers are made, and the service is Ready.
func TestMonitoringStopsNoServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.startOperator()
	o.requests.broken.Store(new("/configmaps/papers-alert-rules"))
	rag := w.service()
	w.readyBut(rag, map[string]string{"MonitoringReady": "False/ReconcileFailed", "Ready": "True/Ready", "ConfigApplied": "True/Applied"})
	if *rag.Status.ObservedGeneration != rag.Generation {
		t.Error("the status says that the spec was not brought about")
	}
	o.requests.broken.Store(nil)
	w.edit(rag, func(s *v1alpha1.RAGServiceSpec) { s.Logging.Level = "DEBUG" }) // the next try by itself may be minutes away
	w.eventuallyShows(rag, map[string]string{"MonitoringReady": "True/NotConfigured", "Ready": "True/Ready"})

	w.must(w.Create(t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "others-metrics"},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 1}}},
	}))
	other := w.service()
	other.Name = "others"
	w.must(w.Create(t.Context(), other))
	w.awaits(other, desired.ComponentServer, &appsv1.Deployment{})
	w.eventuallyShows(other, map[string]string{"MonitoringReady": "False/NameConflict"})
}
