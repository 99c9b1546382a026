package desired_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
)

// TestExternalRedisHasNoObjects leaves nothing of a managed one, so that what was made before is taken away.
func TestExternalRedisHasNoObjects(t *testing.T) {
	t.Parallel()
	plan := build(t, desiredtest.Inputs(desiredtest.ExternalRedis()))
	for _, o := range plan.Objects() {
		if o.Component == desired.ComponentRedisCache || o.Component == desired.ComponentRedisState {
			t.Errorf("%s %s", o.GVK.Kind, o.Key.Name)
		}
	}
}

func TestEgressToAnExternalRedis(t *testing.T) {
	t.Parallel()
	in := desiredtest.Inputs(desiredtest.ExternalRedis())
	policy := find[networkingv1.NetworkPolicy](t, build(t, in), "NetworkPolicy", "papers-server")
	var got []string
	for _, rule := range policy.Spec.Egress[2:] { // after those to name servers and OpenSearch
		var parts []string
		for _, p := range rule.To {
			switch {
			case p.NamespaceSelector != nil:
				parts = append(parts, "namespace "+p.NamespaceSelector.MatchLabels["kubernetes.io/metadata.name"])
			case p.IPBlock != nil:
				parts = append(parts, p.IPBlock.CIDR)
			}
		}
		for _, p := range rule.Ports {
			parts = append(parts, p.Port.String())
		}
		got = append(got, strings.Join(parts, " "))
	}
	want := []string{"namespace stores", "0.0.0.0/0 ::/0 26379 6379"}
	if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
		t.Errorf("egress (-want +got):\n%s", diff)
	}
	in.StatefulSets = map[desired.Component]desired.StatefulSet{desired.ComponentRedisState: {Name: "papers-redis-state"}}
	during := find[networkingv1.NetworkPolicy](t, build(t, in), "NetworkPolicy", "papers-server")
	if len(during.Spec.Egress) != len(policy.Spec.Egress)+1 {
		t.Error("the servers that use the managed Redis cannot reach it until they have rolled")
	}
}
