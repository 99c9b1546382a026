package desired

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1ac "sigs.k8s.io/gateway-api/applyconfiguration/apis/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

var routeKind = schema.GroupVersionKind{Group: gatewayv1.GroupName, Version: "v1", Kind: "HTTPRoute"}

// MissingKind is a kind that the API server does not serve, and the field of the spec that asks for an object of it.
type MissingKind struct {
	Field string
	Kind  schema.GroupVersionKind
}

// route is the HTTPRoute that the spec asks for, if the API server serves that kind.
func (b build) route(p part) (objects []Object, missing []MissingKind) {
	given := p.service.Spec.Server.Gateway
	switch {
	case given == nil:
		return nil, nil
	case !slices.Contains(b.Served, routeKind):
		return nil, []MissingKind{{Field: "spec.server.gateway", Kind: routeKind}}
	default:
		return []Object{object(p, httpRoute(p, *given))}, nil
	}
}

// httpRoute gives streams the time that the server gives them: Gateways have a timeout of their own, often 15 s.
func httpRoute(p part, given v1alpha1.GatewaySpec) *gatewayv1ac.HTTPRouteApplyConfiguration {
	spec := gatewayv1ac.HTTPRouteSpec().WithRules(gatewayv1ac.HTTPRouteRule().
		WithBackendRefs(gatewayv1ac.HTTPBackendRef().WithName(gatewayv1.ObjectName(p.name())).WithPort(apiPort)).
		WithTimeouts(gatewayv1ac.HTTPRouteTimeouts().WithRequest(gatewayv1.Duration(fmt.Sprintf("%ds", serverGraceSeconds)))))
	for _, host := range given.Hostnames {
		spec.WithHostnames(gatewayv1.Hostname(host))
	}
	for _, parent := range given.ParentRefs {
		spec.WithParentRefs(parentReference(parent))
	}
	return gatewayv1ac.HTTPRoute(p.name(), p.namespace()).WithSpec(spec)
}

func parentReference(given v1alpha1.GatewayReference) *gatewayv1ac.ParentReferenceApplyConfiguration {
	parent := gatewayv1ac.ParentReference().WithName(gatewayv1.ObjectName(given.Name))
	if given.Namespace != "" {
		parent.WithNamespace(gatewayv1.Namespace(given.Namespace))
	}
	if given.SectionName != "" {
		parent.WithSectionName(gatewayv1.SectionName(given.SectionName))
	}
	if given.Port != nil {
		parent.WithPort(*given.Port)
	}
	return parent
}
