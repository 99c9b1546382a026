package status

import (
	"strings"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// enoughNodesRun says that an OpenSearch of several nodes can do without those that are not ready: most of those that its cluster counts on are.
// One that others come to is alone until they have joined.
func (p Pass) enoughNodesRun() bool {
	w := p.Observed.Workloads[desired.ComponentOpenSearch]
	_, broken := p.terminalFault(desired.ComponentOpenSearch)
	members := w.WantedReplicas
	if p.State != nil {
		if known := p.State.Component(desired.ComponentOpenSearch).Members; known > 0 {
			members = min(members, known)
		}
	}
	return !broken && w.WantedReplicas > 1 && 2*w.ReadyReplicas > members
}

// nodesLeave is for an OpenSearch of more nodes than the spec asks for, or whose nodes have left volumes.
func (p Pass) nodesLeave() (finding, bool) {
	if p.State == nil || p.suspended() {
		previous := p.previous(v1alpha1.ConditionOpenSearchReady)
		return keep(previous), previous.Reason == v1alpha1.ReasonDraining || previous.Reason == v1alpha1.ReasonVolumeKept
	}
	plan := p.State.Component(desired.ComponentOpenSearch)
	wanted := p.Observed.Workloads[desired.ComponentOpenSearch].WantedReplicas
	switch {
	case plan.Leaving > 0 && !plan.Told:
		return yes(v1alpha1.ReasonDraining, "OpenSearch is ready; %d of its %d nodes are to leave when the others have taken their shards, of which "+
			"the cluster is to be told: it must answer the operator on port 9200 of its pods", plan.Leaving, wanted), true
	case plan.Leaving > 0:
		return yes(v1alpha1.ReasonDraining, "OpenSearch is ready; %d of its %d nodes leave when the others have taken their shards (GET _cat/shards shows "+
			"where they are): that needs room on the others' disks, and no index with more copies than nodes", plan.Leaving, wanted), true
	}
	return yes(v1alpha1.ReasonVolumeKept, "OpenSearch is ready; nodes that left have no documents any more: delete volume claims %s, "+
		"or they are used again when spec.openSearch.managed.nodes goes up", strings.Join(plan.Emptied, ", ")), len(plan.Emptied) > 0
}

// writesBlocked is for an OpenSearch that answers searches, but takes no documents. Before the first answers of servers, what was said
// before stands.
func (p Pass) writesBlocked() (finding, bool) {
	if previous := p.previous(v1alpha1.ConditionOpenSearchReady); p.Observed.Poll.At.IsZero() {
		return keep(previous), previous.Reason == v1alpha1.ReasonWritesBlocked
	}
	blocked := count(p.Observed.Poll.all(), func(s telemetry.Statusz) bool { return s.OpenSearchBlocked })
	return yes(v1alpha1.ReasonWritesBlocked, "OpenSearch answers searches, but takes no documents: make room on its disks, or lift the blocks "+
		"that GET _cluster/state/blocks shows"), blocked > 0
}

// judgeExternalOpenSearch judges OpenSearchReady by what the servers say: the operator connects to no address of a spec.
func judgeExternalOpenSearch(p Pass) finding {
	const field = "spec.openSearch.external"
	up := func(s telemetry.Statusz) bool { return s.OpenSearch == telemetry.DependencyUp }
	why, lost := p.storeFault(openSearchState)
	switch previous := p.previous(v1alpha1.ConditionOpenSearchReady); {
	case p.stopped():
		return yes(v1alpha1.ReasonAvailable, "no server runs, so nobody asks the OpenSearch of %s", field)
	case p.Observed.Poll.At.IsZero() && previous.Status != "":
		return keep(previous)
	case lost:
		return no(v1alpha1.ReasonStoreUnreachable, "servers cannot use the OpenSearch of %s: %s", field, explainExternalOpenSearch(why, field))
	case count(p.Observed.Poll.all(), up) == 0:
		return no(v1alpha1.ReasonProgressing, "no server has reached the OpenSearch of %s yet", field)
	}
	if f, blocked := p.writesBlocked(); blocked {
		return f
	}
	if p.State != nil {
		if claim := p.State.Component(desired.ComponentOpenSearch).Kept; claim != "" {
			return yes(v1alpha1.ReasonVolumeKept, "servers use the OpenSearch of %s; volume claim %s still has the documents of the one before: "+
				"delete it when they are not needed", field, claim)
		}
	}
	return yes(v1alpha1.ReasonAvailable, "servers use the OpenSearch of %s", field)
}

// explainExternalOpenSearch says why servers cannot use an OpenSearch that somebody else runs, and where to look next.
func explainExternalOpenSearch(why telemetry.DependencyFault, field string) string {
	switch why {
	case telemetry.FaultDNS:
		return sentence("its name does not resolve (DNS): check %s.urls", field)
	case telemetry.FaultRefused:
		return sentence("connections are refused: check %s.urls, and spec.networkPolicy.egress", field)
	case telemetry.FaultTimeout:
		return sentence("it does not answer in time: check %s.urls, spec.networkPolicy.egress, and its load", field)
	case telemetry.FaultForeign:
		return sentence("what answers is no OpenSearch, or another cluster than before: check %s.urls", field)
	case telemetry.FaultAuth:
		return sentence("it refuses the user, or what the user may do: check %s.credentialsSecretRef", field)
	case telemetry.FaultTLS:
		return sentence("its certificate is not trusted: check %s.caSecretRef, and that it is of the host in urls", field)
	case telemetry.FaultUnready:
		return "it answers that it cannot work now: see its _cluster/health"
	case telemetry.FaultBlocked:
		return "it takes no writes, mostly because its disk is full"
	default:
		return "see the servers' logs for database_connection_lost, and spec.networkPolicy.egress"
	}
}
