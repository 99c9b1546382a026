package status

import (
	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// judgeOpenSearch judges OpenSearchReady: the search engine runs, and the servers reach it.
func judgeOpenSearch(p Pass) finding {
	previous := p.previous(v1alpha1.ConditionOpenSearchReady)
	if p.Observed == nil {
		return keep(previous)
	}
	if f, ok := p.judgeParts(desired.ComponentOpenSearch); !ok {
		return f
	}
	unreachable := func(s telemetry.Statusz) bool { return s.OpenSearch == telemetry.DependencyDown }
	if p.storeUnreachable(previous.Reason, unreachable) {
		return no(v1alpha1.ReasonStoreUnreachable,
			"OpenSearch runs but servers cannot reach it: look at their logs for opensearch, and at NetworkPolicies of the namespace")
	}
	if p.Observed.ReusedVolume {
		return yes(v1alpha1.ReasonReusedVolume,
			"OpenSearch is ready, with the documents on a volume that an earlier RAGService of this name left")
	}
	return yes(v1alpha1.ReasonAvailable, "OpenSearch is ready")
}

// storeUnreachable says whether at least half of the servers that answered cannot reach a store. Before the first
// answers, what was said before stands.
func (p Pass) storeUnreachable(previousReason string, down func(telemetry.Statusz) bool) bool {
	if p.stopped() {
		return false
	}
	if !p.polled() {
		return previousReason == v1alpha1.ReasonStoreUnreachable
	}
	return atLeastHalf(p.Observed.Poll.Reports, down)
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
