package status

import (
	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// judgeServer judges ServerReady.
func judgeServer(p Pass) finding {
	if p.Observed == nil {
		return keep(p.previous(v1alpha1.ConditionServerReady))
	}
	if f, ok := p.judgeParts(desired.ComponentServer); !ok {
		return p.whyUnready(f)
	}
	if p.stopped() {
		return yes(v1alpha1.ReasonNoReplicas, "spec.server.replicas is 0")
	}
	return yes(v1alpha1.ReasonAvailable, "all %d server pods are ready", p.wanted(desired.ComponentServer, p.server()))
}

// whyUnready adds what unready servers say themselves to a finding that only knows their number: a server that cannot use
// OpenSearch takes no requests. While OpenSearch itself does not run, it speaks for both.
func (p Pass) whyUnready(f finding) finding {
	store := p.Observed.Workloads[desired.ComponentOpenSearch]
	if f.reason != v1alpha1.ReasonProgressing || len(p.Observed.Poll.Unready) == 0 || store.ReadyReplicas == 0 ||
		p.connecting(desired.ComponentOpenSearch) > 0 {
		return f
	}
	if why, lost := p.storeFault(openSearchState); lost {
		return no(v1alpha1.ReasonStoreUnreachable, "%s: servers cannot use OpenSearch: %s", f.message, explain(why, desired.ComponentOpenSearch))
	}
	return f
}

// serverReplicas are the numbers of server pods for the status; nil before there is a Deployment.
func (p Pass) serverReplicas() (replicas, ready *int32) {
	w, found := p.Observed.Workloads[desired.ComponentServer]
	if !found {
		return nil, nil
	}
	return &w.Replicas, &w.ReadyReplicas
}
