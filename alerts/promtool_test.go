package alerts_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/ragservice/ragservice-operator/alerts"
	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// unitTests is a file of tests for promtool (https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/).
type unitTests struct {
	RuleFiles          []string   `json:"rule_files"`
	EvaluationInterval string     `json:"evaluation_interval"`
	Tests              []unitTest `json:"tests"`
}

type unitTest struct {
	Name        string      `json:"name"`
	Interval    string      `json:"interval"`
	InputSeries []series    `json:"input_series"`
	Alerts      []alertTest `json:"alert_rule_test,omitempty"`
	Queries     []queryTest `json:"promql_expr_test,omitempty"`
}

type series struct {
	Series string `json:"series"`
	Values string `json:"values"`
}

type alertTest struct {
	EvalTime  string      `json:"eval_time"`
	Alertname string      `json:"alertname"`
	Expected  []fromAlert `json:"exp_alerts"`
}

type fromAlert struct {
	Labels      map[string]string `json:"exp_labels"`
	Annotations map[string]string `json:"exp_annotations"`
}

type queryTest struct {
	Expr     string   `json:"expr"`
	EvalTime string   `json:"eval_time"`
	Expected []sample `json:"exp_samples"`
}

type sample struct {
	Labels string `json:"labels"`
	Value  int    `json:"value"`
}

// firesAt is whether an alert fires after so many minutes.
func firesAt(name string, minute int, fires bool) queryTest {
	value := 0
	if fires {
		value = 1
	}
	return queryTest{
		Expr:     fmt.Sprintf(`count(ALERTS{alertname=%q,alertstate="firing"}) or vector(0)`, name),
		EvalTime: fmt.Sprintf("%dm", minute), Expected: []sample{{Labels: "{}", Value: value}},
	}
}

// promtool runs it and returns what it says; the test fails when promtool does.
func promtool(t *testing.T, arguments ...string) string {
	t.Helper()
	path, err := exec.CommandContext(t.Context(), filepath.Join("..", "hack", "deps", "promtool.sh")).Output()
	if err != nil {
		t.Fatalf("promtool.sh: %v", err)
	}
	said, err := exec.CommandContext(t.Context(), strings.TrimSpace(string(path)), arguments...).CombinedOutput()
	if err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(arguments[:2], " "), err, said)
	}
	return string(said)
}

// writeRules writes the rules of a service as its ConfigMap has them.
func writeRules(t *testing.T, rag *v1alpha1.RAGService) (path string) {
	t.Helper()
	return writeYAML(t, "rules.yaml", alerts.Rules(rag))
}

func writeYAML(t *testing.T, name string, content any) (path string) {
	t.Helper()
	text, err := yaml.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// testRules has promtool run tests on the rules of a service.
func testRules(t *testing.T, rag *v1alpha1.RAGService, every string, tests []unitTest) {
	t.Helper()
	promtool(t, "test", "rules", writeYAML(t, "tests.yaml", unitTests{
		RuleFiles: []string{writeRules(t, rag)}, EvaluationInterval: every, Tests: tests,
	}))
}

// TestRulesAreWellFormed, those of other thresholds and of fewer alerts too.
func TestRulesAreWellFormed(t *testing.T) {
	t.Parallel()
	odd := asking()
	odd.Spec.Alerts.ErrorRate = v1alpha1.ErrorRateAlert{Percent: new(int32(7)), For: "0s", ObjectivePercent: "99.99"}
	odd.Spec.Alerts.LatencyP95 = v1alpha1.LatencyAlert{Threshold: "350ms", For: "90s"}
	few := asking()
	few.Spec.Models.LLM.Provider, few.Spec.Cache.Enabled = v1alpha1.LLMProviderExtractive, new(false)
	few.Spec.Alerts.ErrorRate.Mode = v1alpha1.AlertDisabled
	for _, rag := range []*v1alpha1.RAGService{asking(), odd, few} {
		if said := promtool(t, "check", "rules", "--lint=all", "--lint-fatal", writeRules(t, rag)); !strings.Contains(said, "SUCCESS") {
			t.Error(said)
		}
	}
	if rules := alerts.Rules(few); len(rules.Groups) != 1 || len(rules.Groups[0].Rules) != 6 {
		t.Errorf("rules of two alerts: %+v", rules)
	}
	for _, g := range alerts.Rules(odd).Groups {
		for _, r := range g.Rules {
			lasts := map[string]string{"RAGServiceErrorRate": "", "RAGServiceLatencyP95": "2m", "RAGServiceDiskUsage": "5m"}
			if want, named := lasts[r.Alert]; named && r.For != want {
				t.Errorf("%s: for %q, want %q", r.Alert, r.For, want)
			}
		}
	}
}
