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
	if class, reused := p.Observed.ReusedVolumes[desired.ComponentRedisState]; reused && otherClass(class, p.redisClass()) != "" {
		return yes(v1alpha1.ReasonReusedVolume,
			"both Redis instances are ready, on a volume that an earlier RAGService of this name left%s", otherClass(class, p.redisClass()))
	}
	return yes(v1alpha1.ReasonAvailable, "both Redis instances are ready")
}
