package status

import (
	"slices"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// judgeMonitoring judges MonitoringReady. That an object could not be written is told by the condition of its component.
func judgeMonitoring(p Pass) finding {
	metrics := desired.MetricsServiceName(p.Service.Name)
	if f, found := p.judgeReceivers(); found {
		return f
	}
	switch {
	case p.Service.Spec.Monitoring.ServiceMonitor.Mode == v1alpha1.MonitoringDisabled:
		return yes(v1alpha1.ReasonNotConfigured, "spec.monitoring.serviceMonitor.mode is Disabled; annotations of Service %s tell where metrics are", metrics)
	case p.State == nil || p.suspended() && !p.receiversRecovered():
		return keep(p.previous(v1alpha1.ConditionMonitoringReady))
	case !slices.ContainsFunc(p.State.Objects(), func(o desired.Object) bool { return o.GVK == desired.MonitorKind }):
		return yes(v1alpha1.ReasonNotConfigured, "the API server serves no ServiceMonitor (%s); annotations of Service %s tell where metrics are",
			desired.MonitorKind.GroupVersion(), metrics)
	default:
		return yes(v1alpha1.ReasonMonitored, "a ServiceMonitor has Prometheus scrape the servers, by Service %s", metrics)
	}
}
