package controller_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

// ownMetrics is what Prometheus would read of the operator's own metrics.
func (w *world) ownMetrics() string {
	w.t.Helper()
	answer := httptest.NewRecorder()
	promhttp.HandlerFor(metrics.Registry, promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequestWithContext(w.t.Context(), "GET", "/metrics", nil))
	var own strings.Builder
	for line := range strings.Lines(answer.Body.String()) {
		if strings.Contains(line, "ragservice_operator_") {
			own.WriteString(line)
		}
	}
	return own.String()
}

// TestMetricsOfAService follows what is exposed of a service from its being Ready to its end; other tests count in the same registry.
func TestMetricsOfAService(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startOperator()
	rag := w.service()
	w.ready(rag)
	eventuallyExposed := func(pattern string, args ...any) {
		t.Helper()
		series := regexp.MustCompile("(?m)^" + fmt.Sprintf(pattern, args...))
		w.eventually(func() string {
			if !series.MatchString(w.ownMetrics()) {
				return "no " + series.String()
			}
			return ""
		})
	}
	of := fmt.Sprintf(`name="papers",namespace=%q`, w.namespace)
	eventuallyExposed(`ragservice_operator_condition{%s,type="Ready"} 1$`, of)
	eventuallyExposed(`ragservice_operator_rollout_in_progress{%s} 0$`, of)
	eventuallyExposed(`ragservice_operator_last_poll_timestamp_seconds{%s} \d\.\d+e\+09$`, of)

	settings := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "papers-server"}}
	w.must(w.Patch(t.Context(), settings, client.RawPatch(client.Merge.Type(), []byte(`{"data":{"config.yaml":"{}"}}`))))
	eventuallyExposed(`ragservice_operator_child_changes_total{change="drift_repaired",kind="ConfigMap"} [1-9]`)

	w.must(w.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "other-server"}}))
	other := w.service()
	other.Name = "other"
	w.must(w.Create(t.Context(), other))
	eventuallyExposed(`ragservice_operator_apply_failures_total{kind="ConfigMap",reason="NameConflict"} [1-9]`)
	checkMetrics(t, w.ownMetrics())

	w.must(w.Delete(t.Context(), rag))
	w.eventually(func() string {
		if strings.Contains(w.ownMetrics(), of) {
			return "there are series of a service that is gone"
		}
		return ""
	})
}

// checkMetrics has what promtool checks judge the metrics, and compares them with docs/metrics.md.
func checkMetrics(t *testing.T, text string) {
	t.Helper()
	if problems, err := promlint.New(strings.NewReader(text)).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
	kinds := map[string]string{}
	for _, line := range regexp.MustCompile(`(?m)^# TYPE (\w+) (\w+)$`).FindAllStringSubmatch(text, -1) {
		kinds[line[1]] = line[2]
	}
	exposed := []string{"ragservice_operator_build_info gauge version"} // of cmd/manager
	for _, series := range regexp.MustCompile(`(?m)^(\w+)(?:{(.*)})? `).FindAllStringSubmatch(text, -1) {
		labels := regexp.MustCompile(`="[^"]*"`).ReplaceAllString(series[2], "")
		exposed = append(exposed, series[1]+" "+kinds[series[1]]+" "+strings.ReplaceAll(labels, ",", ", "))
	}
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	_, own, _ := strings.Cut(string(page), "\n## The operator's\n")
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (\\w+) \\| ([^|]*) \\|").FindAllStringSubmatch(own, -1) {
		documented = append(documented, row[1]+" "+row[2]+" "+strings.ReplaceAll(row[3], "`", ""))
	}
	slices.Sort(documented)
	slices.Sort(exposed)
	if diff := cmp.Diff(documented, slices.Compact(exposed)); diff != "" {
		t.Errorf("-documented +exposed:\n%s", diff)
	}
}
