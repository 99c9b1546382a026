package status

import (
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// rollout finds a component of which not every pod is of the latest template, though enough of them are ready.
func (p Pass) rollout() (desired.Component, bool) {
	if p.Observed == nil {
		return "", false
	}
	for _, c := range desired.Components() {
		w, found := p.Observed.Workloads[c]
		if found && (!w.UpToDate || w.UpdatedReplicas < p.wanted(c, w) || w.Replicas != p.wanted(c, w)) {
			return c, true
		}
	}
	return "", false
}
