package status

import (
	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// judgeRedis judges RedisReady: both instances run, and the servers reach them.
func judgeRedis(p Pass) finding {
	if p.Observed == nil {
		return keep(p.previous(v1alpha1.ConditionRedisReady))
	}
	instances := desired.ComponentsOf(v1alpha1.ConditionRedisReady)
	if f, ok := p.judgeParts(instances...); !ok {
		return f
	}
	if f, lost := p.storeUnreachable(v1alpha1.ConditionRedisReady, redisState, instances...); lost {
		return f
	}
	return yes(v1alpha1.ReasonAvailable, "both Redis instances are ready")
}
