package desired_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
)

// TestMetricsAreFound by a ServiceMonitor where there can be one, and else by annotations.
func TestMetricsAreFound(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		mode    v1alpha1.MonitoringMode
		served  bool
		monitor bool
	}{
		"Prometheus Operator is there": {v1alpha1.MonitoringAuto, true, true},
		"a manifest of before":         {"", true, true},
		"it is not":                    {v1alpha1.MonitoringAuto, false, false},
		"it is of no concern":          {v1alpha1.MonitoringDisabled, true, false},
	} {
		rag := desiredtest.Smallest()
		rag.Spec.Monitoring.ServiceMonitor = v1alpha1.ServiceMonitorSpec{
			Mode: test.mode, Labels: map[string]v1alpha1.LabelValue{"release": "prometheus"}, Interval: "15s",
		}
		in := desiredtest.Inputs(rag)
		if test.served {
			in.Served = desired.CustomKinds()
		}
		plan := build(t, in)
		service := find[corev1.Service](t, plan, "Service", "papers-metrics")
		if got := service.Annotations["prometheus.io/scrape"] != ""; got == test.monitor {
			t.Errorf("%s: the Service has annotations: %t", name, got)
		}
		made := slices.ContainsFunc(plan.Objects(), func(o desired.Object) bool { return o.GVK == desired.MonitorKind })
		if made != test.monitor {
			t.Errorf("%s: there is a ServiceMonitor: %t", name, made)
		}
		if !made {
			continue
		}
		monitor := find[monitoringv1.ServiceMonitor](t, plan, "ServiceMonitor", "papers-server")
		want := monitoringv1.ServiceMonitorSpec{
			Selector: metav1.LabelSelector{MatchLabels: desired.Selector("papers", desired.ComponentMonitoring)},
			Endpoints: []monitoringv1.Endpoint{{Port: service.Spec.Ports[0].Name, Path: "/metrics", Interval: "15s",
				RelabelConfigs: []monitoringv1.RelabelConfig{{Action: "labeldrop", Regex: "endpoint"}}}},
			NativeHistogramConfig: monitoringv1.NativeHistogramConfig{ScrapeClassicHistograms: new(true)},
		}
		if diff := cmp.Diff(want, monitor.Spec); diff != "" || monitor.Labels["release"] != "prometheus" {
			t.Errorf("%s: labels %v, spec (-want +got):\n%s", name, monitor.Labels, diff)
		}
		for key, value := range monitor.Spec.Selector.MatchLabels {
			if service.Labels[key] != value {
				t.Errorf("%s: the ServiceMonitor does not find the Service: %s is %q", name, key, service.Labels[key])
			}
		}
		for _, o := range plan.Objects() {
			if o.GVK.Kind == "Service" && o.Component == desired.ComponentMonitoring && o.Key.Name != service.Name {
				t.Errorf("%s: it finds the Service %s, too", name, o.Key.Name)
			}
		}
	}
}
