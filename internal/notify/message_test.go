package notify_test

import (
	"encoding/json"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/alerts"
	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/notify"
	"github.com/ragservice/ragservice-operator/internal/status"
)

// shown is where the rule of an alert has its value.
var shown = regexp.MustCompile(`\{\{.*?\}\}`)

// TestMessagesSayWhatRulesSay: a receiver gets the same labels, words and runbook from the operator as by way of Prometheus, and the same labels
// and runbook when the alert is over, also because it was disabled.
func TestMessagesSayWhatRulesSay(t *testing.T) {
	t.Parallel()
	rag := &v1alpha1.RAGService{}
	rag.Namespace, rag.Name = "library", "papers"
	rag.Spec.Models.LLM.Provider = v1alpha1.LLMProviderOpenAI
	rules := map[string]alerts.Rule{}
	for _, rule := range alerts.Rules(rag).Groups[0].Rules {
		rules[rule.Alert] = rule
	}
	disabled := rag.DeepCopy()
	disabled.Spec.Models.LLM.Provider = v1alpha1.LLMProviderExtractive
	for _, mode := range []*v1alpha1.AlertMode{
		&disabled.Spec.Alerts.ErrorRate.Mode, &disabled.Spec.Alerts.LatencyP95.Mode, &disabled.Spec.Alerts.CacheHitRate.Mode,
		&disabled.Spec.Alerts.DiskUsage.Mode,
	} {
		*mode = v1alpha1.AlertDisabled
	}
	for _, a := range alerts.Of(rag) {
		rule := rules["RAGService"+string(a.Name)]
		labels := maps.Clone(rule.Labels)
		labels["alertname"] = rule.Alert
		words := map[string]string{}
		for name, text := range rule.Annotations {
			words[name] = shown.ReplaceAllString(text, "VALUE")
		}
		raised := message(t, rag, a, status.Notice{Name: a.Name, Since: 60, Value: "VALUE", Threshold: a.Show(a.Threshold)})
		if diff := cmp.Diff([]map[string]string{labels, words}, []map[string]string{raised.Labels, raised.Annotations}); diff != "" {
			t.Errorf("%s is raised (-the rule +the operator):\n%s", a.Name, diff)
		}
		was, known := alerts.Named(disabled, a.Name)
		if !known {
			t.Fatalf("%s is not known when it is disabled", a.Name)
		}
		over := message(t, disabled, was, status.Notice{Name: a.Name, Since: 60, EndedAt: 120})
		words["description"] = string(a.Name) + " is no longer beyond its threshold, or no longer judged."
		if diff := cmp.Diff([]map[string]string{labels, words}, []map[string]string{over.Labels, over.Annotations}); diff != "" ||
			over.Fingerprint != raised.Fingerprint || over.Status != "resolved" {
			t.Errorf("%s is over: %s, %s (-the rule +the operator):\n%s", a.Name, over.Status, over.Fingerprint, diff)
		}
		if text := raised.Annotations["summary"] + raised.Annotations["description"] + over.Annotations["summary"]; strings.Contains(text, "$") {
			t.Errorf("%s: %s", a.Name, text)
		}
	}
}

func message(t *testing.T, rag *v1alpha1.RAGService, of alerts.Alert, n status.Notice) notify.Alert {
	t.Helper()
	text, err := notify.Body(rag, of, n)
	if err != nil {
		t.Fatal(err)
	}
	var m notify.Message
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	group := maps.Clone(m.Alerts[0].Labels)
	delete(group, "severity")
	if !cmp.Equal(m.GroupLabels, group) || !cmp.Equal(m.CommonLabels, m.Alerts[0].Labels) || !cmp.Equal(m.CommonAnnotations, m.Alerts[0].Annotations) {
		t.Errorf("what the alerts of a message have in common: %s", text)
	}
	return m.Alerts[0]
}
