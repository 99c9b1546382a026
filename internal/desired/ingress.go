package desired

import (
	"cmp"

	networkingv1 "k8s.io/api/networking/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// ingress leads from hosts outside the cluster to the API. The servers' network policy lets everybody in to it, ingress controllers too.
func ingress(p part, given v1alpha1.IngressSpec) *networkingv1ac.IngressApplyConfiguration {
	spec := networkingv1ac.IngressSpec()
	if given.ClassName != "" {
		spec.WithIngressClassName(given.ClassName)
	}
	backend := networkingv1ac.IngressBackend().WithService(networkingv1ac.IngressServiceBackend().
		WithName(p.name()).
		WithPort(networkingv1ac.ServiceBackendPort().WithName(apiPortName)))
	tls := networkingv1ac.IngressTLS()
	for _, host := range given.Hosts {
		tls.WithHosts(string(host))
		spec.WithRules(networkingv1ac.IngressRule().WithHost(string(host)).WithHTTP(networkingv1ac.HTTPIngressRuleValue().
			WithPaths(networkingv1ac.HTTPIngressPath().
				WithPath(cmp.Or(given.Path, "/")).
				WithPathType(networkingv1.PathTypePrefix).
				WithBackend(backend))))
	}
	if given.TLS != nil {
		spec.WithTLS(tls.WithSecretName(given.TLS.SecretName))
	}
	return networkingv1ac.Ingress(p.name(), p.namespace()).WithAnnotations(given.Annotations).WithSpec(spec)
}
