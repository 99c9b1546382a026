package status

import (
	"time"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// connectLimit is how long servers may take to find a store that has just become ready: they try again within seconds,
// and what they say is up to 10 s old.
const connectLimit = 20 * time.Second

// storeState is what a server says of a store, and why if it is down.
type storeState func(telemetry.Statusz) (down bool, why telemetry.DependencyFault)

func openSearchState(s telemetry.Statusz) (bool, telemetry.DependencyFault) {
	return s.OpenSearch == telemetry.DependencyDown, s.OpenSearchFault
}

func redisState(s telemetry.Statusz) (bool, telemetry.DependencyFault) {
	if s.RedisCache == telemetry.DependencyDown {
		return true, s.RedisCacheFault
	}
	return s.RedisState == telemetry.DependencyDown, s.RedisStateFault
}

// storeUnreachable is for a store whose pods run, when at least half of the servers cannot use it, ready or not. Before
// the first answers, what was said before stands.
func (p Pass) storeUnreachable(condition string, state storeState, components ...desired.Component) (finding, bool) {
	if p.stopped() || p.connecting(components...) > 0 {
		return finding{}, false
	}
	if previous := p.previous(condition); p.Observed.Poll.At.IsZero() {
		return keepJudged(keep(previous)), previous.Reason == v1alpha1.ReasonStoreUnreachable
	}
	why, lost := p.storeFault(state)
	if !lost {
		return finding{}, false
	}
	return no(v1alpha1.ReasonStoreUnreachable, "%s runs but servers cannot use it: %s", components[0].Product(), explain(why, components[0])), true
}

// connecting is how long the servers still have to find one of the components; 0 when they should have.
func (p Pass) connecting(components ...desired.Component) time.Duration {
	var left time.Duration
	for _, c := range components {
		if since := p.Observed.Workloads[c].ReadySince; !since.IsZero() {
			left = max(left, since.Add(connectLimit).Sub(p.Now))
		}
	}
	return left
}

// storesConnecting is when the first of those waits ends that a server has something to say about; 0 for none.
func (p Pass) storesConnecting() (next time.Duration) {
	if _, lost := p.storeFault(openSearchState); lost {
		next = p.connecting(desired.ComponentOpenSearch)
	}
	if _, lost := p.storeFault(redisState); lost {
		next = soonest(next, p.connecting(desired.ComponentsOf(v1alpha1.ConditionRedisReady)...))
	}
	return next
}

// storeFault says whether at least half of the servers that answered cannot use a store, and the cause that most of them
// name.
func (p Pass) storeFault(state storeState) (telemetry.DependencyFault, bool) {
	all := p.Observed.Poll.all()
	causes := map[telemetry.DependencyFault]int{}
	down := 0
	for _, s := range all {
		if lost, why := state(s); lost {
			down++
			causes[why]++
		}
	}
	if down == 0 || 2*down < len(all) {
		return "", false
	}
	var most telemetry.DependencyFault
	for why, n := range causes {
		if n > causes[most] || (n == causes[most] && why < most) {
			most = why
		}
	}
	return most, true
}

// explain says why servers cannot use a store, and where to look next.
func explain(why telemetry.DependencyFault, c desired.Component) string {
	switch why {
	case telemetry.FaultDNS:
		return "its name does not resolve (DNS): check the cluster's DNS, and that NetworkPolicies allow port 53"
	case telemetry.FaultRefused:
		return "connections are refused: check its pod's logs, and NetworkPolicies of the namespace"
	case telemetry.FaultTimeout:
		return "it does not answer in time: check NetworkPolicies of the namespace, and its pod's load"
	case telemetry.FaultForeign:
		return "something else answers at its address: check its Service, and proxies or meshes on the way"
	case telemetry.FaultAuth:
		return "it refuses the password: was the Secret changed without restarting its pod?"
	case telemetry.FaultUnready:
		if c == desired.ComponentOpenSearch {
			return "it answers that it cannot work now (cluster red, or starting): see its pod's logs, and _cluster/health on port 9200"
		}
		return "it answers that it cannot work now: see its pod's logs"
	case telemetry.FaultBlocked:
		return "it takes no writes, mostly because its disk is full: see its pod's logs, and raise its storage"
	default:
		return "see the servers' logs for database_connection_lost, and NetworkPolicies of the namespace"
	}
}

func atLeastHalf(reports []telemetry.Statusz, holds func(telemetry.Statusz) bool) bool {
	n := count(reports, holds)
	return n > 0 && 2*n >= len(reports)
}

func count(reports []telemetry.Statusz, holds func(telemetry.Statusz) bool) int {
	n := 0
	for _, r := range reports {
		if holds(r) {
			n++
		}
	}
	return n
}

// openSearchClass and redisClass are the storage classes that the spec asks for; empty for any.
func (p Pass) openSearchClass() string {
	if managed := p.Service.Spec.OpenSearch.Managed; managed != nil && managed.StorageClassName != nil {
		return *managed.StorageClassName
	}
	return ""
}

func (p Pass) redisClass() string {
	if managed := p.Service.Spec.Redis.Managed; managed != nil && managed.StorageClassName != nil {
		return *managed.StorageClassName
	}
	return ""
}

// otherClass adds to a sentence that a volume has another storage class than the spec asks for.
func otherClass(has, wanted string) string {
	if wanted == "" || has == wanted {
		return ""
	}
	return sentence("; its storage class is %q and not %q, which only a claim that is made anew can have", has, wanted)
}

// judgeRedis judges RedisReady: both instances run, and the servers reach them.
func judgeRedis(p Pass) finding {
	if p.Service.Spec.Redis.External != nil {
		return judgeExternalRedis(p)
	}
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

// judgeOpenSearch judges OpenSearchReady: the search engine runs, and the servers reach it.
func judgeOpenSearch(p Pass) finding {
	if p.Observed == nil {
		return keep(p.previous(v1alpha1.ConditionOpenSearchReady))
	}
	if p.Service.Spec.OpenSearch.External != nil {
		return judgeExternalOpenSearch(p)
	}
	parts, whole := p.judgeParts(desired.ComponentOpenSearch)
	if !whole && !p.enoughNodesRun() {
		return parts
	}
	if f, lost := p.storeUnreachable(v1alpha1.ConditionOpenSearchReady, openSearchState, desired.ComponentOpenSearch); lost {
		return f
	}
	if f, blocked := p.writesBlocked(); blocked {
		return f
	}
	if !whole {
		return yes(v1alpha1.ReasonDegraded, "enough nodes of OpenSearch run: %s", parts.message)
	}
	if f, changing := p.nodesLeave(); changing {
		return f
	}
	if class, reused := p.Observed.ReusedVolumes[desired.ComponentOpenSearch]; reused {
		return yes(v1alpha1.ReasonReusedVolume,
			"OpenSearch is ready, with the documents on a volume that an earlier RAGService of this name left%s",
			otherClass(class, p.openSearchClass()))
	}
	if nodes := p.Observed.Workloads[desired.ComponentOpenSearch].WantedReplicas; nodes > 1 {
		return yes(v1alpha1.ReasonAvailable, "OpenSearch is ready, with %d nodes", nodes)
	}
	return yes(v1alpha1.ReasonAvailable, "OpenSearch is ready")
}
