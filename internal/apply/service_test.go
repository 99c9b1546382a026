package apply_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// The API server gives a Service of another type ports of nodes; they must not hold it back from becoming ClusterIP again.
func TestServiceChangesItsType(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, kind := range []v1alpha1.ServiceType{
		v1alpha1.ServiceTypeClusterIP, v1alpha1.ServiceTypeLoadBalancer, v1alpha1.ServiceTypeNodePort, v1alpha1.ServiceTypeClusterIP,
	} {
		w.rag.Spec.Server.Service = v1alpha1.ServiceSpec{Type: kind}
		if kind == v1alpha1.ServiceTypeLoadBalancer {
			w.rag.Spec.Server.Service.Annotations = v1alpha1.ObjectAnnotations{"example.com/internal": "true"}
		}
		w.settled()
		got := get(w, "papers-server", &corev1.Service{})
		if string(got.Spec.Type) != string(kind) {
			t.Errorf("the Service is of type %s, want %s", got.Spec.Type, kind)
		}
		if hasPort := got.Spec.Ports[0].NodePort != 0; hasPort != (kind != v1alpha1.ServiceTypeClusterIP) {
			t.Errorf("as %s it has port %d on nodes", kind, got.Spec.Ports[0].NodePort)
		}
		if _, there := got.Annotations["example.com/internal"]; there != (kind == v1alpha1.ServiceTypeLoadBalancer) {
			t.Errorf("as %s it has annotations %v", kind, got.Annotations)
		}
	}
}
