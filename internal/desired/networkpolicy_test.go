package desired_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
)

func TestEgressToTheModel(t *testing.T) {
	t.Parallel()
	anywhere := func(port int32) networkingv1.NetworkPolicyEgressRule {
		return networkingv1.NetworkPolicyEgressRule{
			Ports: []networkingv1.NetworkPolicyPort{{Protocol: new(corev1.ProtocolTCP), Port: new(intstr.FromInt32(port))}},
			To: []networkingv1.NetworkPolicyPeer{
				{IPBlock: &networkingv1.IPBlock{CIDR: "0.0.0.0/0", Except: []string{"169.254.0.0/16"}}},
				{IPBlock: &networkingv1.IPBlock{CIDR: "::/0", Except: []string{"fe80::/10"}}},
			},
		}
	}
	inNamespace := func(name string) networkingv1.NetworkPolicyEgressRule {
		return networkingv1.NetworkPolicyEgressRule{To: []networkingv1.NetworkPolicyPeer{{
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": name}},
		}}}
	}
	for url, want := range map[string][]networkingv1.NetworkPolicyEgressRule{
		"https://llm.example.com/v1":                 {anywhere(443)},
		"http://llm.example.com/v1":                  {anywhere(80)},
		"https://llm.example.com:8443/v1":            {anywhere(8443)},
		"http://10.0.0.7:11434/v1":                   {anywhere(11434)},
		"http://[fd00::7]:11434/v1":                  {anywhere(11434)},
		"http://ollama.models.svc:11434/v1":          {inNamespace("models")},
		"http://ollama.models.svc.cluster.local./v1": {inNamespace("models")},
		"http://ollama-0.ollama.models.svc:11434/v1": {inNamespace("models")},
		"http://ollama:11434/v1":                     {inNamespace("search")},
		"https://models.svc.example.com/v1":          {anywhere(443)},
		"http://vllm.models:8000":                    {anywhere(8000), inNamespace("models")},
		"https://example.com/v1":                     {anywhere(443), inNamespace("com")},
	} {
		t.Run(url, func(t *testing.T) {
			t.Parallel()
			rag := desiredtest.Full()
			rag.Spec.Models.LLM.BaseURL, rag.Spec.Models.LLM.Fallbacks = url, nil
			rag.Spec.NetworkPolicy.Egress = nil
			policy := find[networkingv1.NetworkPolicy](t, build(t, desiredtest.Inputs(rag)), "NetworkPolicy", "papers-server")
			ofModel := policy.Spec.Egress[4:] // after those to name servers and stores
			if diff := cmp.Diff(want, ofModel); diff != "" {
				t.Errorf("egress rule (-want +got):\n%s", diff)
			}
			rag.Spec.Models.LLM = v1alpha1.LLMSpec{Provider: v1alpha1.LLMProviderExtractive} // the way to an issuer's keys is the same
			rag.Spec.Auth.JWT = &v1alpha1.JWTSpec{Issuer: "https://login", Audiences: []string{"rag"}, JWKSURL: url}
			policy = find[networkingv1.NetworkPolicy](t, build(t, desiredtest.Inputs(rag)), "NetworkPolicy", "papers-server")
			if diff := cmp.Diff(want, policy.Spec.Egress[4:]); diff != "" {
				t.Errorf("egress rule of an issuer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEgressToFallbacks(t *testing.T) {
	t.Parallel()
	rag := desiredtest.Full()
	rag.Spec.NetworkPolicy.Egress = nil
	policy := find[networkingv1.NetworkPolicy](t, build(t, desiredtest.Inputs(rag)), "NetworkPolicy", "papers-server")
	toFallbacks := policy.Spec.Egress[5:] // after those to name servers, stores and the first model
	if len(toFallbacks) != 2 || toFallbacks[0].To[0].NamespaceSelector == nil || toFallbacks[1].Ports[0].Port.IntVal != 9443 {
		t.Errorf("rules %+v", toFallbacks)
	}
}

func TestPortsOfFurtherEgress(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rule v1alpha1.EgressRule
		want []networkingv1.NetworkPolicyPort
	}{
		"nothing": {v1alpha1.EgressRule{}, nil},
		"a port": {
			v1alpha1.EgressRule{Port: new(int32(80))},
			[]networkingv1.NetworkPolicyPort{{Protocol: new(corev1.ProtocolTCP), Port: new(intstr.FromInt32(80))}},
		},
		"a protocol": {v1alpha1.EgressRule{Protocol: corev1.ProtocolUDP}, []networkingv1.NetworkPolicyPort{{Protocol: new(corev1.ProtocolUDP)}}},
		"both": {
			v1alpha1.EgressRule{Port: new(int32(80)), Protocol: corev1.ProtocolSCTP},
			[]networkingv1.NetworkPolicyPort{{Protocol: new(corev1.ProtocolSCTP), Port: new(intstr.FromInt32(80))}},
		},
	} {
		rag := desiredtest.Smallest()
		test.rule.CIDR = "10.0.0.0/8"
		rag.Spec.NetworkPolicy.Egress = []v1alpha1.EgressRule{test.rule}
		policy := find[networkingv1.NetworkPolicy](t, build(t, desiredtest.Inputs(rag)), "NetworkPolicy", "papers-server")
		last := policy.Spec.Egress[len(policy.Spec.Egress)-1]
		if diff := cmp.Diff(test.want, last.Ports); diff != "" || last.To[0].IPBlock.CIDR != "10.0.0.0/8" {
			t.Errorf("%s: ports to %v (-want +got):\n%s", name, last.To, diff)
		}
	}
}

func TestNetworkPoliciesCanBeTurnedOff(t *testing.T) {
	t.Parallel()
	rag := desiredtest.Smallest()
	rag.Spec.NetworkPolicy.Enabled = new(false)
	for _, o := range build(t, desiredtest.Inputs(rag)).Objects() {
		if decode[metav1.TypeMeta](t, o.Config).Kind == "NetworkPolicy" {
			t.Errorf("there is a NetworkPolicy %s", o.Key.Name)
		}
	}
}

// An operator outside the cluster has no namespace; nobody gets in its place.
func TestWithoutOperatorNamespaceAdminPortsAreClosed(t *testing.T) {
	t.Parallel()
	in := desiredtest.Inputs(desiredtest.Smallest())
	in.Operator.Namespace = ""
	policy := find[networkingv1.NetworkPolicy](t, build(t, in), "NetworkPolicy", "papers-server")
	if n := len(policy.Spec.Ingress); n != 1 {
		t.Errorf("%d ingress rules of the server, want 1", n)
	}
}
