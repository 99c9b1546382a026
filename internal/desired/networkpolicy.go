package desired

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/serverconfig"
)

// Short names of what rules are made of. Rules are lists that the API server compares as a whole, so they are written
// with what it would add.
type (
	ingressRule = networkingv1ac.NetworkPolicyIngressRuleApplyConfiguration
	egressRule  = networkingv1ac.NetworkPolicyEgressRuleApplyConfiguration
	peer        = networkingv1ac.NetworkPolicyPeerApplyConfiguration
	policyPort  = networkingv1ac.NetworkPolicyPortApplyConfiguration
)

// traffic is what a component's pods may be asked and may ask; everything else is closed.
type traffic struct {
	in  []*ingressRule
	out []*egressRule
}

// networkPolicies is the component's NetworkPolicy, or nothing when spec.networkPolicy is off.
func networkPolicies(p part, t traffic) []Object {
	if !serverconfig.NetworkPolicyEnabled(p.service) {
		return nil
	}
	policy := networkingv1ac.NetworkPolicy(p.name(), p.namespace()).
		WithSpec(networkingv1ac.NetworkPolicySpec().
			WithPodSelector(metav1ac.LabelSelector().WithMatchLabels(p.selector())).
			WithPolicyTypes(networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress).
			WithIngress(t.in...).
			WithEgress(t.out...))
	return []Object{object(p, policy)}
}

// serverTraffic: anybody may ask; the operator may look at the admin port.
func serverTraffic(in Inputs) traffic {
	rag := in.Service
	t := traffic{
		in:  []*ingressRule{networkingv1ac.NetworkPolicyIngressRule().WithPorts(tcp(serverPort))},
		out: []*egressRule{toNameServers()},
	}
	for _, d := range descriptors() {
		_, runs := in.StatefulSets[d.name] // while another Redis takes its place, until the servers have rolled
		if d.port != 0 && (runs || d.condition != v1alpha1.ConditionRedisReady || rag.Spec.Redis.External == nil) {
			t.out = append(t.out, to(pods(rag, d.name), tcp(d.port)))
		}
	}
	t.out = append(t.out, toExternalRedis(rag)...)
	if in.Operator.Namespace != "" {
		t.in = append(t.in, from(namespace(in.Operator.Namespace), tcp(AdminPort)))
	}
	for _, scraper := range rag.Spec.Monitoring.ScrapeFrom {
		t.in = append(t.in, from(podsOf(scraper.NamespaceSelector, scraper.PodSelector), tcp(AdminPort)))
	}
	if url := rag.Spec.Models.LLM.BaseURL; url != "" {
		t.out = append(t.out, toURL(rag.Namespace, url)...)
	}
	for _, fallback := range rag.Spec.Models.LLM.Fallbacks {
		t.out = append(t.out, toURL(rag.Namespace, fallback.BaseURL)...)
	}
	if jwt := rag.Spec.Auth.JWT; jwt != nil && jwt.JWKSURL != "" {
		t.out = append(t.out, toURL(rag.Namespace, jwt.JWKSURL)...)
	}
	if tracing := rag.Spec.Monitoring.Tracing; tracing != nil {
		t.out = append(t.out, toURL(rag.Namespace, tracing.Endpoint)...)
	}
	t.out = append(t.out, toExternalOpenSearch(rag)...)
	for _, further := range rag.Spec.NetworkPolicy.Egress {
		t.out = append(t.out, furtherEgress(further))
	}
	return t
}

// toExternalOpenSearch lets pods connect to the OpenSearch that the spec names, if it does.
func toExternalOpenSearch(rag *v1alpha1.RAGService) (rules []*egressRule) {
	if external := rag.Spec.OpenSearch.External; external != nil {
		for _, address := range external.URLs {
			rules = append(rules, toURL(rag.Namespace, string(address))...)
		}
	}
	return rules
}

func furtherEgress(rule v1alpha1.EgressRule) *egressRule {
	p := podsOf(rule.NamespaceSelector, rule.PodSelector)
	if rule.CIDR != "" {
		p = block(rule.CIDR)
	}
	switch {
	case rule.Port != nil:
		return to(p, port(cmp.Or(rule.Protocol, corev1.ProtocolTCP), *rule.Port))
	case rule.Protocol != "":
		return to(p, networkingv1ac.NetworkPolicyPort().WithProtocol(rule.Protocol))
	default:
		return to(p)
	}
}

// podsOf are pods of namespaces; nil selects the RAGService's own namespace, and all pods.
func podsOf(namespaces, pods *metav1.LabelSelector) *peer {
	p := networkingv1ac.NetworkPolicyPeer()
	if namespaces != nil {
		p.WithNamespaceSelector(selector(namespaces))
	}
	if pods != nil {
		p.WithPodSelector(selector(pods))
	}
	return p
}

func selector(s *metav1.LabelSelector) *metav1ac.LabelSelectorApplyConfiguration {
	out := metav1ac.LabelSelector().WithMatchLabels(s.MatchLabels)
	for _, e := range s.MatchExpressions {
		out.WithMatchExpressions(metav1ac.LabelSelectorRequirement().WithKey(e.Key).WithOperator(e.Operator).WithValues(e.Values...))
	}
	return out
}

// redisTraffic: the servers may ask; Redis asks nobody. It may ask itself, so that there is a rule: a list without one is not sent, and
// would not be ours to take out what somebody adds to it.
func redisTraffic(in Inputs, c Component) traffic {
	return traffic{
		in:  []*ingressRule{from(pods(in.Service, ComponentServer), tcp(redisPort))},
		out: []*egressRule{to(pods(in.Service, c), tcp(redisPort))},
	}
}

// openSearchTraffic: the servers may ask; nodes talk to each other. The operator looks at the health of several.
func openSearchTraffic(in Inputs) traffic {
	nodes := pods(in.Service, ComponentOpenSearch)
	t := traffic{
		in: []*ingressRule{
			from(pods(in.Service, ComponentServer), tcp(OpenSearchPort)),
			from(nodes, tcp(transportPort)),
		},
		out: []*egressRule{toNameServers(), to(nodes, tcp(transportPort))},
	}
	if in.Service.Spec.OpenSearch.Snapshots != nil {
		t.in = append(t.in, from(pods(in.Service, ComponentSnapshots), tcp(OpenSearchPort)))
	}
	if in.Operator.Namespace != "" && (build{Inputs: in}).several() {
		t.in = append(t.in, from(namespace(in.Operator.Namespace), tcp(OpenSearchPort)))
	}
	return t
}

func from(p *peer, ports ...*policyPort) *ingressRule {
	return networkingv1ac.NetworkPolicyIngressRule().WithFrom(p).WithPorts(ports...)
}

func to(p *peer, ports ...*policyPort) *egressRule {
	return networkingv1ac.NetworkPolicyEgressRule().WithTo(p).WithPorts(ports...)
}

// toNameServers is port 53 anywhere: a node's own name server may have a link-local address. OpenShift's name servers listen on
// 5353, which is what a policy sees there: packets are judged after the Service's address and port were replaced.
func toNameServers() *egressRule {
	return networkingv1ac.NetworkPolicyEgressRule().
		WithPorts(port(corev1.ProtocolUDP, 53), tcp(53), port(corev1.ProtocolUDP, 5353), tcp(5353))
}

func pods(rag *v1alpha1.RAGService, c Component) *peer {
	return networkingv1ac.NetworkPolicyPeer().
		WithPodSelector(metav1ac.LabelSelector().WithMatchLabels(Selector(rag.Name, c)))
}

func namespace(name string) *peer {
	return networkingv1ac.NetworkPolicyPeer().WithNamespaceSelector(
		metav1ac.LabelSelector().WithMatchLabels(map[string]string{corev1.LabelMetadataName: name}))
}

func block(cidr string, except ...string) *peer {
	return networkingv1ac.NetworkPolicyPeer().WithIPBlock(networkingv1ac.IPBlock().WithCIDR(cidr).WithExcept(except...))
}

func tcp(number int32) *policyPort { return port(corev1.ProtocolTCP, number) }

func port(protocol corev1.Protocol, number int32) *policyPort {
	return networkingv1ac.NetworkPolicyPort().WithProtocol(protocol).WithPort(intstr.FromInt32(number))
}
