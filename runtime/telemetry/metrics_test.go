package telemetry_test

import (
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// scrape is what Prometheus would see.
func scrape(t *testing.T, m *telemetry.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	return w.Body.String()
}

// used are metrics of which each has counted something.
func used() *telemetry.Metrics {
	m := telemetry.NewMetrics("v1.2.3")
	m.Request("POST", "/api/v1/search", 200, 30*time.Millisecond)
	m.InFlight(1)
	m.Error("search_timeout")
	m.Limit("ask", "free", telemetry.LimitAdmitted, "redis")
	m.Limit("ask", "free", telemetry.LimitRefused, "local")
	m.CacheResult("search", "HIT")
	m.CacheLookup("search", "local", "miss")
	m.Redis("cache", "get", "ok", time.Millisecond)
	m.OpenSearch("search", "ok", time.Millisecond)
	m.Retrieval("keyword", "ok", time.Millisecond)
	m.Model("ok", time.Second, 100, 20)
	m.Extracted("llm_timeout")
	m.CacheSaved("m", 1, 1, 0.1)
	m.Fallback("spare")
	m.JWKSRead("ok")
	m.Shed("stream")
	m.Documents("created", 3)
	m.Recovered("update", "ok")
	m.ConfigApplied("aaaa")
	m.ConfigApplied("bbbb")
	m.ConfigRejected()
	m.KeysRefused(2)
	m.LogDropped("request_completed")
	m.LogFile(func() int64 { return 3 })
	return m
}

func TestMetrics(t *testing.T) {
	got := scrape(t, used())
	for _, want := range []string{
		`http_server_request_duration_seconds_bucket{http_request_method="POST",http_response_status_code="200",http_route="/api/v1/search",le="0.05"} 1`,
		`http_server_active_requests 1`,
		`ragservice_errors_total{code="search_timeout"} 1`,
		`ragservice_ratelimit_decisions_total{decision="admitted",endpoint="ask",source="redis",tier="free"} 1`,
		`ragservice_ratelimit_decisions_total{decision="refused",endpoint="ask",source="local",tier="free"} 1`,
		`ragservice_cache_requests_total{kind="search",outcome="HIT"} 1`,
		`ragservice_cache_lookups_total{kind="search",layer="local",outcome="miss"} 1`,
		`ragservice_redis_operation_duration_seconds_count{instance="cache",operation="get",outcome="ok"} 1`,
		`ragservice_opensearch_operation_duration_seconds_count{operation="search",outcome="ok"} 1`,
		`ragservice_retrieval_duration_seconds_count{mode="keyword",outcome="ok"} 1`,
		`gen_ai_client_operation_duration_seconds_count{outcome="ok"} 1`,
		`ragservice_llm_tokens_total{gen_ai_token_type="input"} 100`,
		`ragservice_llm_tokens_total{gen_ai_token_type="output"} 20`,
		`ragservice_documents_recovered_total{kind="update",outcome="ok"} 1`,
		`ragservice_documents_total{status="created"} 3`,
		`ragservice_config_info{hash="bbbb"} 1`,
		`ragservice_config_reloads_total{outcome="applied"} 2`,
		`ragservice_config_reloads_total{outcome="rejected"} 1`,
		`ragservice_api_keys_refused 2`,
		`ragservice_log_file_lines_lost_total 3`,
		`ragservice_log_lines_dropped_total{event="request_completed"} 1`,
		`ragservice_build_info{version="v1.2.3"} 1`,
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(got, "aaaa") {
		t.Error("a configuration that no longer runs is told")
	}
}

// TestCallersMakeNoSeries: methods are the caller's choice, their names are not a label's.
func TestCallersMakeNoSeries(t *testing.T) {
	m := telemetry.NewMetrics("test")
	for _, method := range []string{"BREW", "get", "\xff", strings.Repeat("X", 1000)} {
		m.Request(method, "", 405, 0)
	}
	if got := scrape(t, m); !strings.Contains(got,
		`http_server_request_duration_seconds_count{http_request_method="_OTHER",http_response_status_code="405",http_route=""} 4`) {
		t.Error(got)
	}
}

// TestMetricsAreDocumented: docs/metrics.md has each metric of ours with its labels, and no other.
func TestMetricsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	server, _, _ := strings.Cut(string(page), "\n## The operator's\n")
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (\\w+) \\| ([^|]*) \\|").FindAllStringSubmatch(server, -1) {
		documented = append(documented, row[1]+" "+row[2]+" "+strings.ReplaceAll(row[3], "`", ""))
	}
	families, err := used().Registry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	var exposed []string
	for _, f := range families {
		if name := f.GetName(); !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") && !strings.HasPrefix(name, "promhttp_") {
			var labels []string
			for _, l := range f.GetMetric()[0].GetLabel() {
				labels = append(labels, l.GetName())
			}
			exposed = append(exposed, name+" "+strings.ToLower(f.GetType().String())+" "+strings.Join(labels, ", "))
		}
	}
	slices.Sort(documented)
	if diff := cmp.Diff(documented, exposed); diff != "" {
		t.Errorf("-documented +exposed: %s", diff)
	}
}
