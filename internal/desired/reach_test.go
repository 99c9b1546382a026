package desired_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mattfenwick/cyclonus/pkg/matcher"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
)

// end is where traffic comes from or goes to.
type end struct {
	name string
	peer matcher.TrafficPeer
}

func podEnd(name, namespace, ip string, labels map[string]string) end {
	return end{name, matcher.TrafficPeer{IP: ip, Internal: &matcher.InternalPeer{
		Namespace: namespace, NamespaceLabels: map[string]string{corev1.LabelMetadataName: namespace, "of": namespace}, PodLabels: labels,
	}}}
}

// ends are pods of the service and others, and addresses outside the cluster.
func ends(rag *v1alpha1.RAGService) (all []end) {
	for i, c := range []desired.Component{desired.ComponentServer, desired.ComponentRedisCache, desired.ComponentRedisState, desired.ComponentOpenSearch, desired.ComponentSnapshots} {
		all = append(all, podEnd(string(c), rag.Namespace, fmt.Sprintf("10.1.0.%d", i+1), desired.Selector(rag.Name, c)))
	}
	return append(all,
		podEnd("neighbour", rag.Namespace, "10.1.0.20", map[string]string{"app.kubernetes.io/name": "other"}),
		podEnd("server of another service", rag.Namespace, "10.1.0.21", desired.Selector("other", desired.ComponentServer)),
		podEnd("stranger", "elsewhere", "10.1.1.1", desired.Selector(rag.Name, desired.ComponentServer)), // in another namespace
		podEnd("operator", "operator", "10.1.2.1", map[string]string{"app.kubernetes.io/name": "ragservice-operator"}),
		podEnd("name server", "kube-system", "10.1.3.1", map[string]string{"k8s-app": "kube-dns"}),
		podEnd("model", "models", "10.1.4.1", map[string]string{"app": "vllm"}),
		podEnd("Prometheus", "monitoring", "10.1.6.1", map[string]string{"app.kubernetes.io/name": "prometheus"}),
		podEnd("proxy", "proxies", "10.1.5.1", map[string]string{"app": "proxy"}),
		end{"public", matcher.TrafficPeer{IP: "203.0.113.7"}},
		end{"own network", matcher.TrafficPeer{IP: "192.0.2.7"}},
		end{"metadata", matcher.TrafficPeer{IP: "169.254.169.254"}},
		end{"metadata by IPv6", matcher.TrafficPeer{IP: "fe80::a9fe:a9fe"}},
	)
}

// wish is a setting of the manifest, and the ways out of a part of the service, or into it, that it declares.
type wish struct {
	name  string
	set   func(*v1alpha1.RAGService, *desired.Inputs)
	opens func(from, to string, port int) bool
}

func nothing(string, string, int) bool { return false }

// outward reports whether traffic goes from a server to an address that is not link-local. A URL's host may be any.
func outward(from, to string) bool { return from == "server" && !strings.HasPrefix(to, "metadata") }

// choices are the settings that traffic depends on, each with its values.
var choices = [][]wish{
	{
		{"a model within", func(rag *v1alpha1.RAGService, _ *desired.Inputs) {
			rag.Spec.Models.LLM = v1alpha1.LLMSpec{Provider: v1alpha1.LLMProviderOpenAI, BaseURL: "http://vllm.models.svc:8000/v1", Model: "m"}
		}, func(from, to string, _ int) bool { return from == "server" && to == "model" }},
		{"a model outside", func(rag *v1alpha1.RAGService, _ *desired.Inputs) {
			rag.Spec.Models.LLM = v1alpha1.LLMSpec{Provider: v1alpha1.LLMProviderOpenAI, BaseURL: "https://llm.example.com/v1", Model: "m"}
		}, func(from, to string, port int) bool { return outward(from, to) && port == 443 }},
		{"no model", func(*v1alpha1.RAGService, *desired.Inputs) {}, nothing},
	},
	{
		{"an issuer", func(rag *v1alpha1.RAGService, _ *desired.Inputs) {
			rag.Spec.Auth = v1alpha1.AuthSpec{Mode: v1alpha1.AuthModeJWT, JWT: &v1alpha1.JWTSpec{
				Issuer: "https://issuer.example.com", Audiences: []string{"rag"}, JWKSURL: "https://issuer.example.com:8443/keys",
			}}
		}, func(from, to string, port int) bool { return outward(from, to) && port == 8443 }},
		{"keys", func(*v1alpha1.RAGService, *desired.Inputs) {}, nothing},
	},
	{
		{"traces", func(rag *v1alpha1.RAGService, _ *desired.Inputs) {
			rag.Spec.Monitoring.Tracing = &v1alpha1.TracingSpec{Endpoint: "https://otlp.example.com:4317"}
		}, func(from, to string, port int) bool { return outward(from, to) && port == 4317 }},
		{"no traces", func(*v1alpha1.RAGService, *desired.Inputs) {}, nothing},
	},
	{
		{"further egress by address", func(rag *v1alpha1.RAGService, _ *desired.Inputs) {
			rag.Spec.NetworkPolicy.Egress = []v1alpha1.EgressRule{{CIDR: "192.0.2.0/24", Port: new(int32(3128))}}
		}, func(from, to string, port int) bool { return from == "server" && to == "own network" && port == 3128 }},
		{"further egress to pods", func(rag *v1alpha1.RAGService, _ *desired.Inputs) {
			rag.Spec.NetworkPolicy.Egress = []v1alpha1.EgressRule{{
				NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"of": "proxies"}},
				PodSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{"app": "proxy"}},
			}}
		}, func(from, to string, _ int) bool { return from == "server" && to == "proxy" }},
		{"no further egress", func(*v1alpha1.RAGService, *desired.Inputs) {}, nothing},
	},
	{
		{"an external Redis", func(rag *v1alpha1.RAGService, _ *desired.Inputs) {
			rag.Spec.Redis.External = &v1alpha1.ExternalRedis{RedisConnection: v1alpha1.RedisConnection{
				Mode: v1alpha1.RedisModeStandalone, Addresses: []v1alpha1.RedisAddress{"redis.example.com:6380"},
			}}
		}, func(from, to string, port int) bool { return outward(from, to) && port == 6380 }},
		{"a managed Redis", func(*v1alpha1.RAGService, *desired.Inputs) {}, func(from, to string, port int) bool {
			return from == "server" && strings.HasPrefix(to, "redis-") && port == 6379
		}},
	},
	{
		{"snapshots", func(rag *v1alpha1.RAGService, _ *desired.Inputs) {
			rag.Spec.OpenSearch.Snapshots = &v1alpha1.SnapshotsSpec{Repository: v1alpha1.SnapshotRepository{ClaimName: "backups"}, Schedule: "@daily"}
		}, func(from, to string, port int) bool {
			return from == "snapshots" && to == "opensearch" && port == 9200
		}},
		{"no snapshots", func(*v1alpha1.RAGService, *desired.Inputs) {}, nothing},
	},
	{
		{"scrapes", func(rag *v1alpha1.RAGService, _ *desired.Inputs) {
			rag.Spec.Monitoring.ScrapeFrom = []v1alpha1.ScrapePeer{{
				NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"of": "monitoring"}},
				PodSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{"app.kubernetes.io/name": "prometheus"}},
			}}
		}, func(from, to string, port int) bool { return from == "Prometheus" && to == "server" && port == 8081 }},
		{"no scrapes", func(*v1alpha1.RAGService, *desired.Inputs) {}, nothing},
	},
	{
		{"an operator within", func(_ *v1alpha1.RAGService, in *desired.Inputs) { in.Operator.Namespace = "operator" },
			func(from, to string, port int) bool { return from == "operator" && to == "server" && port == 8081 }},
		{"an operator outside", func(_ *v1alpha1.RAGService, in *desired.Inputs) { in.Operator.Namespace = "" }, nothing},
	},
}

// goesOut are the ways out of each part that every service has: to its search engine, between nodes of that, and to name servers.
func goesOut(from, to string, port int) bool {
	switch from {
	case "server":
		return to == "opensearch" && port == 9200 || port == 53 || port == 5353
	case "opensearch":
		return to == "opensearch" && port == 9300 || port == 53 || port == 5353
	case "snapshots":
		return port == 53 || port == 5353
	default: // Redis asks nobody but itself
		return from == to && port == 6379
	}
}

// comesIn are the ways into each part that every service has.
func comesIn(from, to string, port int) bool {
	switch to {
	case "server":
		return port == 8080
	case "opensearch":
		return from == "server" && port == 9200 || from == "opensearch" && port == 9300
	case "snapshots":
		return from == to && port == 8080
	default:
		return from == "server" && port == 6379
	}
}

// guarded reports whether an end's traffic is ruled by a policy of the service.
func guarded(end string, rag *v1alpha1.RAGService) bool {
	switch end {
	case "server", "opensearch":
		return true
	case "snapshots":
		return rag.Spec.OpenSearch.Snapshots != nil
	default:
		return rag.Spec.Redis.External == nil && strings.HasPrefix(end, "redis-")
	}
}

// TestOnlyWhatIsDeclaredIsReached evaluates the NetworkPolicies of every combination of settings, by an implementation of their rules that is
// not ours, for all pairs of ends and the ports that anything listens on.
func TestOnlyWhatIsDeclaredIsReached(t *testing.T) {
	t.Parallel()
	combinations := [][]wish{nil}
	for _, values := range choices {
		var next [][]wish
		for _, before := range combinations {
			for _, v := range values {
				next = append(next, append(slices.Clip(before), v))
			}
		}
		combinations = next
	}
	evaluated := 0
	for _, wishes := range combinations {
		rag := desiredtest.Smallest()
		in := desiredtest.Inputs(rag)
		names := make([]string, len(wishes))
		for i, w := range wishes {
			names[i] = w.name
			w.set(rag, &in)
		}
		evaluated += reaches(t, strings.Join(names, ", "), rag, in, func(from, to string, port int) bool {
			return slices.ContainsFunc(wishes, func(w wish) bool { return w.opens(from, to, port) })
		})
	}
	t.Logf("%d combinations, %d ways evaluated", len(combinations), evaluated)
}

// reaches compares what the policies allow with what is declared. Traffic between ends that no policy of the service rules is not its own.
func reaches(t *testing.T, name string, rag *v1alpha1.RAGService, in desired.Inputs, opened func(from, to string, port int) bool) (evaluated int) {
	t.Helper()
	var policies []*networkingv1.NetworkPolicy
	for _, o := range build(t, in).Objects() {
		if decode[metav1.TypeMeta](t, o.Config).Kind == "NetworkPolicy" {
			policies = append(policies, new(decode[networkingv1.NetworkPolicy](t, o.Config)))
		}
	}
	judge := matcher.BuildNetworkPolicies(false, policies)
	all := ends(rag)
	for _, from := range all {
		for _, to := range all {
			isOurs, toOurs := guarded(from.name, rag), guarded(to.name, rag)
			if !isOurs && !toOurs {
				continue
			}
			for _, port := range []int{53, 80, 443, 3128, 5353, 6379, 6380, 8000, 8080, 8081, 8443, 9200, 9300} {
				evaluated++
				open := opened(from.name, to.name, port)
				want := (!isOurs || open || goesOut(from.name, to.name, port)) && (!toOurs || open && from.name != "server" || comesIn(from.name, to.name, port))
				allowed := judge.IsTrafficAllowed(&matcher.Traffic{
					Source: &from.peer, Destination: &to.peer, ResolvedPort: port, Protocol: corev1.ProtocolTCP,
				}).IsAllowed()
				if allowed != want {
					t.Errorf("%s: from %s to port %d of %s: allowed %t, want %t", name, from.name, port, to.name, allowed, want)
				}
			}
		}
	}
	return evaluated
}
