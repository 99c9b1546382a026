package desired_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
)

// TestAlertRules are in a PrometheusRule where there can be one, and else the same in a ConfigMap.
func TestAlertRules(t *testing.T) {
	t.Parallel()
	rules := func(mode v1alpha1.MonitoringMode, served bool, edit func(*v1alpha1.AlertsSpec)) (
		rule *monitoringv1.PrometheusRule, file *corev1.ConfigMap,
	) {
		t.Helper()
		rag := desiredtest.Smallest()
		rag.Spec.Monitoring.PrometheusRule = v1alpha1.PrometheusRuleSpec{Mode: mode, Labels: map[string]v1alpha1.LabelValue{"release": "prometheus"}}
		edit(&rag.Spec.Alerts)
		in := desiredtest.Inputs(rag)
		if served {
			in.Served = desired.CustomKinds()
		}
		plan := build(t, in)
		for _, o := range plan.Objects() {
			switch {
			case o.GVK == desired.RuleKind:
				found := find[monitoringv1.PrometheusRule](t, plan, "PrometheusRule", "papers-alerts")
				rule = &found
			case o.GVK.Kind == "ConfigMap" && o.Key.Name == "papers-alert-rules":
				found := find[corev1.ConfigMap](t, plan, "ConfigMap", "papers-alert-rules")
				file = &found
			}
		}
		return rule, file
	}
	asIs := func(*v1alpha1.AlertsSpec) {}
	rule, file := rules(v1alpha1.MonitoringAuto, true, asIs)
	if rule == nil || file != nil {
		t.Fatalf("where Prometheus Operator is there: a PrometheusRule %t, a ConfigMap %t", rule != nil, file != nil)
	}
	for name, c := range map[string]struct {
		mode   v1alpha1.MonitoringMode
		served bool
	}{"Prometheus Operator is not there": {v1alpha1.MonitoringAuto, false}, "it is of no concern": {v1alpha1.MonitoringDisabled, true}} {
		none, file := rules(c.mode, c.served, asIs)
		if none != nil || file == nil {
			t.Fatalf("%s: a PrometheusRule %t, a ConfigMap %t", name, none != nil, file != nil)
		}
		var same monitoringv1.PrometheusRuleSpec
		if err := yaml.UnmarshalStrict([]byte(file.Data["rules.yaml"]), &same); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(rule.Spec, same); diff != "" || rule.Labels["release"] != "prometheus" || file.Labels["release"] != "prometheus" {
			t.Errorf("%s: labels %v and %v, rules (-in the PrometheusRule +in the file):\n%s", name, rule.Labels, file.Labels, diff)
		}
	}

	rule, _ = rules(v1alpha1.MonitoringAuto, true, func(s *v1alpha1.AlertsSpec) { s.LatencyP95.Mode = v1alpha1.AlertDisabled })
	if slices.ContainsFunc(rule.Spec.Groups[0].Rules, func(r monitoringv1.Rule) bool { return strings.Contains(r.Alert, "Latency") }) {
		t.Error("a disabled alert has a rule")
	}
	rule, file = rules(v1alpha1.MonitoringAuto, false, func(s *v1alpha1.AlertsSpec) {
		for _, mode := range []*v1alpha1.AlertMode{
			&s.ErrorRate.Mode, &s.LatencyP95.Mode, &s.CacheHitRate.Mode, &s.LLMAvailability.Mode, &s.DiskUsage.Mode,
		} {
			*mode = v1alpha1.AlertDisabled
		}
	})
	if rule != nil || file != nil {
		t.Error("without alerts there are rules")
	}
}
