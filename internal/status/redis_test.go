package status_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/status"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// externalRedis has a Redis that the operator does not run, so no workload of it.
func externalRedis(p *status.Pass) {
	p.Service.Spec.Redis.External = &v1alpha1.ExternalRedis{}
	delete(p.Observed.Workloads, desired.ComponentRedisCache)
	delete(p.Observed.Workloads, desired.ComponentRedisState)
}

// say has every server say something of Redis.
func say(change func(*telemetry.Statusz)) change {
	return func(p *status.Pass) {
		for i := range p.Observed.Poll.Reports {
			change(&p.Observed.Poll.Reports[i])
		}
	}
}

func TestExternalRedis(t *testing.T) {
	t.Parallel()
	down := func(why telemetry.DependencyFault) change {
		return say(func(s *telemetry.Statusz) { s.RedisState, s.RedisStateFault = telemetry.DependencyDown, why })
	}
	for name, test := range map[string]struct {
		changes     []change
		want, ready string
		word        string
	}{
		"answers":   {nil, "True/Available", "True/Ready", "answers"},
		"may evict": {[]change{say(func(s *telemetry.Statusz) { s.RedisStateEvicts = true })}, "True/EvictionUnsafe", "True/Ready", "noeviction"},
		"leaves a volume": {[]change{func(p *status.Pass) {
			p.State.Components = append(p.State.Components, desired.ComponentPlan{Name: desired.ComponentRedisState, Kept: "data-papers"})
		}}, "True/VolumeKept", "True/Ready", "data-papers"},
		"refuses the user":        {[]change{down(telemetry.FaultAuth)}, "False/StoreUnreachable", "True/Degraded", "authSecretRef"},
		"has another certificate": {[]change{down(telemetry.FaultTLS)}, "False/StoreUnreachable", "True/Degraded", "tls.caSecretRef"},
		"cannot be reached":       {[]change{down(telemetry.FaultUnreachable)}, "False/StoreUnreachable", "True/Degraded", "networkPolicy.egress"},
		"cannot work":             {[]change{down(telemetry.FaultUnready)}, "False/StoreUnreachable", "True/Degraded", "cluster is down"},
		"was not yet asked": {
			[]change{say(func(s *telemetry.Statusz) { s.RedisState = telemetry.DependencyUnknown })}, "Unknown/WarmingUp", "True/Ready", "no server",
		},
		"nobody has looked since a server took its configuration": {
			[]change{func(p *status.Pass) { p.State.ConfigHash = newHash }}, "Unknown/WarmingUp", "True/Ready", "no server",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := status.Evaluate(wellPass(append([]change{externalRedis}, test.changes...)...)).Status
			redis, ready := condition(got, v1alpha1.ConditionRedisReady), condition(got, v1alpha1.ConditionReady)
			if told := string(redis.Status) + "/" + redis.Reason; told != test.want || !strings.Contains(redis.Message, test.word) {
				t.Errorf("RedisReady is %s %q, want %s with %q", told, redis.Message, test.want, test.word)
			}
			if told := string(ready.Status) + "/" + ready.Reason; told != test.ready {
				t.Errorf("Ready is %s, want %s", told, test.ready)
			}
		})
	}
}

// TestExternalRedisStaysAsItWasSaid restarts the operator, and changes what has nothing to do with Redis: no answer is there yet.
func TestExternalRedisStaysAsItWasSaid(t *testing.T) {
	t.Parallel()
	for name, silence := range map[string]change{
		"after a restart":   func(p *status.Pass) { p.Observed.Poll = status.Poll{} },
		"after a change":    func(p *status.Pass) { p.State.ConfigHash = newHash },
		"without a replica": func(p *status.Pass) { p.State.Replicas, p.Observed.Poll = 0, status.Poll{} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := wellPass(externalRedis)
			p.Service.Status = status.Evaluate(p).Status
			silence(&p)
			got := condition(status.Evaluate(p).Status, v1alpha1.ConditionRedisReady)
			if got.Status != metav1.ConditionTrue || got.Reason != v1alpha1.ReasonAvailable {
				t.Errorf("RedisReady is %s/%s", got.Status, got.Reason)
			}
		})
	}
}
