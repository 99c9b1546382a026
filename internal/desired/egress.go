package desired

import (
	"net/url"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"
)

// toURL lets pods connect to what a URL of the spec names. A policy cannot name hosts, so it opens the URL's port to
// every address but link-local ones (cloud metadata); for a Service it opens its namespace on all ports, since the
// policy sees the port of the pod behind it. A host of two words may be either ("vllm.models", "example.com"), so both are opened.
func toURL(ownNamespace, raw string) []*egressRule {
	u, err := url.Parse(raw)
	if err != nil {
		return []*egressRule{toAnywhere(443)}
	}
	return toHost(ownNamespace, u.Hostname(), urlPort(u))
}

// toHost is toURL for a host and ports.
func toHost(ownNamespace, host string, ports ...int32) []*egressRule {
	if of, ok := serviceNamespace(ownNamespace, host); ok {
		return []*egressRule{to(namespace(of))}
	}
	rules := []*egressRule{toAnywhere(ports...)}
	if service, of, two := strings.Cut(host, "."); two && service != "" && len(validation.IsDNS1123Label(of)) == 0 {
		rules = append(rules, to(namespace(of)))
	}
	return rules
}

func toAnywhere(numbers ...int32) *egressRule {
	rule := networkingv1ac.NetworkPolicyEgressRule().
		WithTo(block("0.0.0.0/0", "169.254.0.0/16"), block("::/0", "fe80::/10"))
	for _, number := range numbers {
		rule.WithPorts(tcp(number))
	}
	return rule
}

// serviceNamespace is the namespace of a Service: of "name" (the own one), "name.namespace.svc" and the latter under
// cluster.local.
func serviceNamespace(own, host string) (string, bool) {
	host = strings.TrimSuffix(strings.TrimSuffix(host, "."), ".cluster.local")
	parts := strings.Split(host, ".")
	switch n := len(parts); {
	case n == 1 && !strings.Contains(host, ":"):
		return own, true
	case n >= 3 && parts[n-1] == "svc":
		return parts[n-2], true
	default:
		return "", false
	}
}

// urlPort is the port that u names, else that of its scheme.
func urlPort(u *url.URL) int32 {
	if named, err := strconv.ParseUint(u.Port(), 10, 16); err == nil && named > 0 {
		return int32(named)
	}
	if u.Scheme == "http" {
		return 80
	}
	return 443
}
