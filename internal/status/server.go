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
		return f
	}
	if p.stopped() {
		return yes(v1alpha1.ReasonNoReplicas, "spec.server.replicas is 0")
	}
	return yes(v1alpha1.ReasonAvailable, "all %d server pods are ready", p.wanted(desired.ComponentServer, p.server()))
}

// serverReplicas are the numbers of server pods for the status; nil before there is a Deployment.
func (p Pass) serverReplicas() (replicas, ready *int32) {
	w, found := p.Observed.Workloads[desired.ComponentServer]
	if !found {
		return nil, nil
	}
	return &w.Replicas, &w.ReadyReplicas
}
