package desired_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
)

func TestRoute(t *testing.T) {
	t.Parallel()
	rag := desiredtest.Smallest()
	rag.Spec.Server.Gateway = &v1alpha1.GatewaySpec{
		ParentRefs: []v1alpha1.GatewayReference{{Name: "public", Namespace: "infra", SectionName: "https", Port: new(int32(443))}, {Name: "own"}},
		Hostnames:  []v1alpha1.Hostname{"rag.example.com", "*.example.com"},
	}
	in := desiredtest.Inputs(rag)
	in.Served = desired.CustomKinds()
	plan := build(t, in)
	service := find[corev1.Service](t, plan, "Service", "papers-server")
	want := gatewayv1.HTTPRouteSpec{
		CommonRouteSpec: gatewayv1.CommonRouteSpec{ParentRefs: []gatewayv1.ParentReference{
			{Name: "public", Namespace: new(gatewayv1.Namespace("infra")), SectionName: new(gatewayv1.SectionName("https")), Port: new(int32(443))},
			{Name: "own"},
		}},
		Hostnames: []gatewayv1.Hostname{"rag.example.com", "*.example.com"},
		Rules: []gatewayv1.HTTPRouteRule{{
			BackendRefs: []gatewayv1.HTTPBackendRef{{BackendRef: gatewayv1.BackendRef{BackendObjectReference: gatewayv1.BackendObjectReference{
				Name: gatewayv1.ObjectName(service.Name), Port: new(service.Spec.Ports[0].Port),
			}}}},
			Timeouts: &gatewayv1.HTTPRouteTimeouts{Request: new(gatewayv1.Duration("330s"))},
		}},
	}
	if diff := cmp.Diff(want, find[gatewayv1.HTTPRoute](t, plan, "HTTPRoute", "papers-server").Spec); diff != "" {
		t.Errorf("route (-want +got):\n%s", diff)
	}
	for _, c := range plan.Components {
		if c.Missing != nil {
			t.Errorf("%s lacks %v", c.Name, c.Missing)
		}
	}
}

// What the API server does not serve is not asked of it, and told.
func TestRouteOfAKindThatIsNotServed(t *testing.T) {
	t.Parallel()
	rag := desiredtest.Smallest()
	rag.Spec.Server.Gateway = &v1alpha1.GatewaySpec{ParentRefs: []v1alpha1.GatewayReference{{Name: "public"}}}
	plan := build(t, desiredtest.Inputs(rag))
	for _, o := range plan.Objects() {
		if o.GVK.Kind == "HTTPRoute" {
			t.Error("there is a route")
		}
	}
	want := []desired.MissingKind{{Field: "spec.server.gateway", Kind: schema.GroupVersionKind{Group: gatewayv1.GroupName, Version: "v1", Kind: "HTTPRoute"}}}
	for _, c := range plan.Components {
		if diff := cmp.Diff(want, c.Missing); c.Name == desired.ComponentServer && diff != "" {
			t.Errorf("missing (-want +got):\n%s", diff)
		}
	}
}
