package controller_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// TestAlertRulesGetToPrometheus by a ConfigMap until the API server serves PrometheusRules, and then by one of those; a threshold that changes
// reaches it.
func TestAlertRulesGetToPrometheus(t *testing.T) {
	w := newWorld(t)
	first := w.startOperator()
	rag := w.service()
	w.ready(rag)
	rule := custom(desired.RuleKind)
	firstExpression := func() string {
		groups, _, _ := unstructured.NestedSlice(rule.Object, "spec", "groups")
		rules, _, _ := unstructured.NestedSlice(groups[0].(map[string]any), "rules")
		expression, _, _ := unstructured.NestedString(rules[2].(map[string]any), "expr")
		return expression
	}
	if !w.exists(&corev1.ConfigMap{}, "papers-alert-rules") || w.exists(rule, "papers-alerts") {
		t.Error("without Prometheus Operator the rules are in no ConfigMap, or in a PrometheusRule")
	}

	w.installPrometheusOperator()
	first.stop()
	w.startOperator() // the first one would look again within a minute
	w.eventually(func() string {
		if !w.exists(rule, "papers-alerts") || w.exists(&corev1.ConfigMap{}, "papers-alert-rules") {
			return "there is no PrometheusRule, or a ConfigMap still"
		}
		return ""
	})
	before := firstExpression()
	w.must(w.Get(t.Context(), client.ObjectKeyFromObject(rag), rag))
	w.edit(rag, func(s *v1alpha1.RAGServiceSpec) { s.Alerts.ErrorRate.Percent = new(int32(2)) })
	w.eventually(func() string {
		if w.exists(rule, "papers-alerts") && firstExpression() == before {
			return "another threshold does not reach the PrometheusRule: " + before
		}
		return ""
	})
	w.must(w.Get(t.Context(), client.ObjectKeyFromObject(rag), rag))
	w.edit(rag, func(s *v1alpha1.RAGServiceSpec) { s.Monitoring.PrometheusRule.Mode = v1alpha1.MonitoringDisabled })
	w.eventually(func() string {
		if w.exists(rule, "papers-alerts") || !w.exists(&corev1.ConfigMap{}, "papers-alert-rules") {
			return "the PrometheusRule is still there, or no ConfigMap"
		}
		return ""
	})
}
