package status

import (
	"slices"
	"strings"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// judgeReceivers finds what keeps alerts from spec.alerts.receivers, for MonitoringReady; false when nothing does.
func (p Pass) judgeReceivers() (finding, bool) {
	before := p.previous(v1alpha1.ConditionMonitoringReady)
	waiting := desired.NeedsAlertmanager(p.Service)
	served := p.State != nil && p.makes(desired.ReceiversKind.Kind)
	switch {
	case p.Secrets != nil && len(p.Secrets.ReceiverProblems) > 0:
		first := p.Secrets.ReceiverProblems[0]
		return no(first.Reason, "%s", describeProblem(first)), true
	case len(waiting) > 0 && p.State != nil && !p.suspended() && !served:
		return no(v1alpha1.ReasonNoAlertmanager,
			"the API server serves no AlertmanagerConfig (%s), so nobody tells %s of spec.alerts.receivers: docs/alert-receivers.md shows what to do instead",
			desired.ReceiversKind.GroupVersion(), strings.Join(waiting, ", ")), true
	case p.Deliveries.Failing != "":
		return no(v1alpha1.ReasonDeliveryFailed, "spec.alerts.receivers.webhook does not take alerts: %s; it is tried again", p.Deliveries.Failing), true
	case before.Reason == v1alpha1.ReasonDeliveryFailed && p.undelivered():
		return keep(before), true // an operator that has just started has yet to fail as often
	}
	return finding{}, false
}

// receiversRecovered says that MonitoringReady told of receivers before, of whom there is nothing more to tell.
func (p Pass) receiversRecovered() bool {
	switch p.previous(v1alpha1.ConditionMonitoringReady).Reason {
	case v1alpha1.ReasonDeliveryFailed, v1alpha1.ReasonSecretNotFound, v1alpha1.ReasonSecretKeyNotFound:
		return true
	default:
		return false
	}
}

// undelivered says that the receiver has yet to get a notice which is due by the status of before.
func (p Pass) undelivered() bool {
	return slices.ContainsFunc(DueNotices(p.Service), func(n Notice) bool { return !slices.ContainsFunc(p.Deliveries.Done, n.Same) })
}
