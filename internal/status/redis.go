package status

import (
	"strings"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// What is said of an external Redis that answers. Before the first answer of a server with the configuration, it stands.
const (
	externalAnswers = "the Redis of spec.redis.external answers"
	externalEvicts  = externalAnswers + ", but may evict buckets of the rate limits when its memory is full: " +
		"set its maxmemory-policy to noeviction, or name another in spec.redis.external.state"
)

// judgeExternalRedis judges RedisReady by what the servers say of a Redis that the operator does not run and never connects to.
func judgeExternalRedis(p Pass) finding {
	if p.Observed != nil && !p.stopped() {
		if why, lost := p.storeFault(redisState); lost {
			return no(v1alpha1.ReasonStoreUnreachable, "servers cannot use the Redis of spec.redis.external: %s", explainExternal(why))
		}
		reports := p.Observed.Poll.Reports
		up := count(reports, func(s telemetry.Statusz) bool {
			return p.runs(s) && s.RedisCache == telemetry.DependencyUp && s.RedisState == telemetry.DependencyUp
		})
		evicts := count(reports, func(s telemetry.Statusz) bool { return p.runs(s) && s.RedisStateEvicts })
		switch {
		case evicts > 0:
			return yes(v1alpha1.ReasonEvictionUnsafe, externalEvicts)
		case up > 0 && p.State.Component(desired.ComponentRedisState).Kept != "":
			return yes(v1alpha1.ReasonVolumeKept, "%s; volume claim %s of the Redis before is still there: delete it when nobody goes back",
				externalAnswers, p.State.Component(desired.ComponentRedisState).Kept)
		case up > 0:
			return yes(v1alpha1.ReasonAvailable, externalAnswers)
		}
	}
	previous := p.previous(v1alpha1.ConditionRedisReady)
	if strings.HasPrefix(previous.Message, externalAnswers) || p.Observed == nil && previous.Status != "" {
		return keepJudged(keep(previous))
	}
	return unknown(v1alpha1.ReasonWarmingUp, "no server has said yet whether it can use the Redis of spec.redis.external")
}

// runs says that a server has the configuration of the spec.
func (p Pass) runs(s telemetry.Statusz) bool {
	return p.State != nil && s.ConfigHash == p.State.ConfigHash
}

// explainExternal says why servers cannot use a Redis that is not the operator's, and where to look next.
func explainExternal(why telemetry.DependencyFault) string {
	switch why {
	case telemetry.FaultTimeout:
		return "it does not answer in time: check its addresses, whether it wants TLS, and what is between (spec.networkPolicy.egress)"
	case telemetry.FaultUnreachable:
		return "no connection: check its addresses, its sentinels, whether it wants TLS, and what is between (spec.networkPolicy.egress)"
	case telemetry.FaultForeign:
		return "something else answers at its address: check addresses and mode"
	case telemetry.FaultTLS:
		return "its certificate is not trusted: check tls.caSecretRef and tls.serverName"
	case telemetry.FaultAuth:
		return "it refuses the password, or the user may not do what servers do: check authSecretRef and the user's ACL"
	case telemetry.FaultUnready:
		return "it answers that it cannot work now: it loads its data, has too many clients, or its cluster is down"
	default:
		return explain(why, desired.ComponentRedisCache)
	}
}
