package status

import (
	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// judgeRedis judges RedisReady: both instances run, and the servers reach them.
func judgeRedis(p Pass) finding {
	previous := p.previous(v1alpha1.ConditionRedisReady)
	if p.Observed == nil {
		return keep(previous)
	}
	if f, ok := p.judgeParts(desired.ComponentRedisCache, desired.ComponentRedisState); !ok {
		return f
	}
	unreachable := func(s telemetry.Statusz) bool {
		return s.RedisCache == telemetry.DependencyDown || s.RedisState == telemetry.DependencyDown
	}
	if p.storeUnreachable(previous.Reason, unreachable) {
		return no(v1alpha1.ReasonStoreUnreachable,
			"Redis runs but servers cannot reach it: look at their logs for redis, and at NetworkPolicies of the namespace")
	}
	return yes(v1alpha1.ReasonAvailable, "both Redis instances are ready")
}
