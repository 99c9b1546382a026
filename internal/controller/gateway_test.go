package controller_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/test/controlplane"
)

// installGatewayAPI has the API server serve HTTPRoutes, as the Gateway API's release defines them.
func (w *world) installGatewayAPI() {
	w.t.Helper()
	module, err := exec.CommandContext(w.t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api").Output()
	w.must(err)
	definition := filepath.Join(strings.TrimSpace(string(module)), "config", "crd", "standard", "gateway.networking.k8s.io_httproutes.yaml")
	controlplane.Install(w.t, w.config, envtest.CRDInstallOptions{Paths: []string{definition}})
}

// route reads the HTTPRoute of papers; false while there is none.
func (w *world) route() (*unstructured.Unstructured, bool) {
	w.t.Helper()
	found := &unstructured.Unstructured{}
	found.SetGroupVersionKind(schema.GroupVersionKind{Group: gatewayv1.GroupName, Version: "v1", Kind: "HTTPRoute"})
	err := w.Get(w.t.Context(), client.ObjectKey{Namespace: w.namespace, Name: "papers-server"}, found)
	if !apierrors.IsNotFound(err) {
		w.must(err)
	}
	return found, err == nil
}

func (w *world) eventuallyRoutes(to string) {
	w.t.Helper()
	w.eventually(func() string {
		found, exists := w.route()
		hosts, _, _ := unstructured.NestedStringSlice(found.Object, "spec", "hostnames")
		if got := strings.Join(hosts, " "); !exists || got != to {
			return "the route is of " + got + ", want " + to
		}
		return ""
	})
}

// A route is made when the API server serves its kind, later than the operator started too, kept as it shall be, and deleted when it is
// no longer wanted, also by an operator that started after that.
func TestRouteFromAGateway(t *testing.T) {
	w := newWorld(t)
	first := w.startOperator()
	rag := w.service(func(s *v1alpha1.RAGServiceSpec) {
		s.Server.Gateway = &v1alpha1.GatewaySpec{
			ParentRefs: []v1alpha1.GatewayReference{{Name: "public", Namespace: "infra"}}, Hostnames: []v1alpha1.Hostname{"rag.example.com"},
		}
	})
	w.readyBut(rag, map[string]string{"ServerReady": "False/KindMissing", "Ready": "True/Ready", "Reconciling": "True/Progressing"})

	w.installGatewayAPI()
	first.pass(t, rag) // within a minute it comes by itself
	w.eventuallyRoutes("rag.example.com")
	w.eventuallyShows(rag, map[string]string{"ServerReady": "True/Available", "Ready": "True/Ready", "Reconciling": ""})

	stolen, _ := w.route()
	w.must(unstructured.SetNestedStringSlice(stolen.Object, []string{"stolen.example.com"}, "spec", "hostnames"))
	w.must(w.Update(t.Context(), stolen))
	w.eventuallyRoutes("rag.example.com")
	w.eventuallyTells("DriftRepaired")
	deleted, _ := w.route()
	w.must(w.Delete(t.Context(), deleted))
	w.eventuallyRoutes("rag.example.com")
	w.eventually(func() string {
		before := first.requests.count()
		first.pass(t, rag)
		if made := first.requests.since(before); len(made) > 0 {
			return "a pass over a service with a route asks the API server for " + strings.Join(made, ", ")
		}
		return ""
	})

	first.stop()
	w.must(w.Get(t.Context(), client.ObjectKeyFromObject(rag), rag))
	w.edit(rag, func(s *v1alpha1.RAGServiceSpec) { s.Server.Gateway = nil })
	w.startOperator()
	w.eventually(func() string {
		if _, exists := w.route(); exists {
			return "the route is still there"
		}
		return ""
	})
	w.eventuallyShows(rag, map[string]string{"Ready": "True/Ready", "Reconciling": ""})
}
