package status

import (
	"slices"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// judgeMonitoring judges MonitoringReady.
func judgeMonitoring(p Pass) finding {
	metrics := desired.MetricsServiceName(p.Service.Name)
	if fault, found := p.monitoringFault(); found {
		return no(fault.Reason, "%s", fault.Message)
	}
	if f, found := p.judgeReceivers(); found {
		return f
	}
	if p.State == nil || p.suspended() && !p.receiversRecovered() {
		return keep(p.previous(v1alpha1.ConditionMonitoringReady))
	}
	rules := p.whereRulesAre()
	switch {
	case p.Service.Spec.Monitoring.ServiceMonitor.Mode == v1alpha1.MonitoringDisabled:
		return yes(v1alpha1.ReasonNotConfigured, "spec.monitoring.serviceMonitor.mode is Disabled; annotations of Service %s tell where metrics are%s",
			metrics, rules)
	case !p.makes(desired.MonitorKind.Kind):
		return yes(v1alpha1.ReasonNotConfigured,
			"the API server serves no ServiceMonitor (%s) that the operator may read; annotations of Service %s tell where metrics are%s",
			desired.MonitorKind.GroupVersion(), metrics, rules)
	default:
		return yes(v1alpha1.ReasonMonitored, "a ServiceMonitor has Prometheus scrape the servers, by Service %s%s", metrics, rules)
	}
}

// monitoringFault finds an object of monitoring that cannot be written: one that waits for a person before one that is tried again.
func (p Pass) monitoringFault() (Fault, bool) {
	if fault, found := p.terminalFault(desired.ComponentMonitoring); found {
		return fault, true
	}
	i := slices.IndexFunc(p.Faults, func(f Fault) bool { return !f.concernsReady() })
	if i < 0 {
		return Fault{}, false
	}
	return p.Faults[i], true
}

// whereRulesAre ends a message with the object of the alert rules, and that of their receivers; empty where no alert is judged.
func (p Pass) whereRulesAre() (text string) {
	file := desired.RulesConfigMapName(p.Service.Name)
	switch {
	case p.makes(desired.RuleKind.Kind):
		text = "; alert rules are in a PrometheusRule"
	case slices.ContainsFunc(p.State.Objects(), func(o desired.Object) bool { return o.GVK.Kind == "ConfigMap" && o.Key.Name == file }):
		text = "; alert rules are in ConfigMap " + file
	default:
		return ""
	}
	if p.makes(desired.ReceiversKind.Kind) {
		text += ", receivers in an AlertmanagerConfig"
	}
	return text
}

// makes says that an object of a kind is wanted.
func (p Pass) makes(kind string) bool {
	return slices.ContainsFunc(p.State.Objects(), func(o desired.Object) bool { return o.GVK.Kind == kind })
}
