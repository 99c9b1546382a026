package telemetry_test

import (
	"context"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"

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
	m.Request(context.Background(), "POST", "/api/v1/search", 200, 30*time.Millisecond)
	m.InFlight(1)
	m.Error("search_timeout")
	m.Limit("ask", "free", telemetry.LimitAdmitted, "redis")
	m.Limit("ask", "free", telemetry.LimitRefused, "local")
	m.CacheResult("search", "HIT")
	m.CacheLookup("search", "local", "miss")
	m.Redis("cache", "get", "ok", time.Millisecond)
	m.OpenSearch("search", "ok", time.Millisecond)
	m.Retrieval(context.Background(), "keyword", "ok", time.Millisecond)
	m.Model(context.Background(), "m", "ok", time.Second, telemetry.Tokens{Input: 100, Output: 20})
	m.Model(context.Background(), "m", "llm_timeout", time.Second, telemetry.Tokens{})
	m.Found(3)
	m.Dependency("opensearch", func() telemetry.Dependency { return telemetry.Dependency{Breaker: "open", Waiting: 7} })
	m.RequestsWaiting(func() int { return 5 })
	m.RedisSays("state", telemetry.RedisFigures{MemoryUsed: 10, MemoryMax: 20, Evicted: 2})
	m.OpenSearchSays([]telemetry.SearchNode{{Name: "n-0", HeapUsed: 11, Searches: 4}})
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
	traffic := telemetry.NewTraffic(time.Now)
	traffic.Disk(40)
	m.Traffic(traffic)
	m.Spans("exported", 5)
	m.ModelCost("m", 0.25)
	m.Feedback(0.5)
	m.BudgetExceeded("tokens", "day", "tenant", "Deny")
	m.Budgets(func() []telemetry.BudgetRatio {
		return []telemetry.BudgetRatio{{Budget: "usd", Window: "month", Used: 0.5}}
	})
	return m
}

func TestMetrics(t *testing.T) {
	const genAI = `gen_ai_operation_name="chat",gen_ai_provider_name="openai",gen_ai_request_model="m"`
	got := scrape(t, used())
	for _, want := range []string{
		`http_server_request_duration_seconds_bucket{http_request_method="POST",http_response_status_code="200",http_route="/api/v1/search",le="0.05"} 1`,
		`http_server_active_requests 1`,
		`ragservice_errors_total{code="search_timeout"} 1`,
		`ragservice_ratelimit_decisions_total{decision="admitted",endpoint="ask",source="redis",tier="free"} 1`,
		`ragservice_ratelimit_decisions_total{decision="refused",endpoint="ask",source="local",tier="free"} 1`,
		`ragservice_cache_requests_total{kind="search",outcome="HIT"} 1`,
		`ragservice_cache_lookups_total{kind="search",layer="local",outcome="miss"} 1`,
		`ragservice_redis_operation_duration_seconds_count{operation="get",outcome="ok",redis="cache"} 1`,
		`ragservice_opensearch_operation_duration_seconds_count{operation="search",outcome="ok"} 1`,
		`ragservice_retrieval_duration_seconds_count{mode="keyword",outcome="ok"} 1`,
		`gen_ai_client_operation_duration_seconds_count{error_type="",` + genAI + `} 1`,
		`gen_ai_client_operation_duration_seconds_count{error_type="llm_timeout",` + genAI + `} 1`,
		`gen_ai_client_token_usage_sum{` + genAI + `,gen_ai_token_type="input"} 100`,
		`gen_ai_client_token_usage_sum{` + genAI + `,gen_ai_token_type="output"} 20`,
		`gen_ai_client_token_usage_count{` + genAI + `,gen_ai_token_type="output"} 1`,
		`ragservice_retrieval_documents_sum 3`,
		`ragservice_llm_cost_usd_total{gen_ai_request_model="m"} 0.25`,
		`ragservice_budget_exceeded_total{action="Deny",budget="tokens",scope="tenant",window="day"} 1`,
		`ragservice_feedback_total{verdict="positive"} 1`,
		`ragservice_feedback_total{verdict="neutral"} 0`,
		`ragservice_feedback_total{verdict="negative"} 0`,
		`ragservice_budget_used_ratio{budget="usd",window="month"} 0.5`,
		`ragservice_breaker_state{dependency="opensearch",state="open"} 1`,
		`ragservice_breaker_state{dependency="opensearch",state="closed"} 0`,
		`ragservice_dependency_calls_waiting{dependency="opensearch"} 7`,
		`ragservice_requests_waiting 5`,
		`ragservice_redis_memory_used_bytes{redis="state"} 10`,
		`ragservice_redis_evicted_keys_total{redis="state"} 2`,
		`ragservice_opensearch_heap_used_bytes{node="n-0"} 11`,
		`ragservice_opensearch_searches_total{node="n-0"} 4`,
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
		m.Request(context.Background(), method, "", 405, 0)
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

// TestMetricsPassPromtool: "promtool check metrics" is this linter.
func TestMetricsPassPromtool(t *testing.T) {
	problems, err := testutil.GatherAndLint(used().Registry())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// TestHistogramsAreNativeToo, where Prometheus asks for its own format.
func TestHistogramsAreNativeToo(t *testing.T) {
	families, err := used().Registry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	latencies := 0
	for _, f := range families {
		if f.GetName() == "ragservice_answer_duration_seconds" { // alert rules read its buckets, which a Prometheus that takes native ones would not keep
			continue
		}
		if !strings.HasSuffix(f.GetName(), "_duration_seconds") || f.GetType() != dto.MetricType_HISTOGRAM {
			continue
		}
		latencies++
		for _, m := range f.GetMetric() {
			if h := m.GetHistogram(); len(h.GetPositiveSpan()) == 0 || len(h.GetBucket()) == 0 {
				t.Errorf("%s has %d native spans and %d classic buckets", f.GetName(), len(h.GetPositiveSpan()), len(h.GetBucket()))
			}
		}
	}
	if latencies < 4 {
		t.Errorf("%d latencies", latencies)
	}
}

// TestAStoreThatIsSilentHasNoFigures: old ones would show a full disk as empty for as long as it cannot be asked.
func TestAStoreThatIsSilentHasNoFigures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := used()
		time.Sleep(90 * time.Second)
		m.RedisSays("cache", telemetry.RedisFigures{})
		if got := scrape(t, m); !strings.Contains(got, `ragservice_redis_keys{redis="state"}`) || !strings.Contains(got, "ragservice_opensearch_") {
			t.Error("figures of a minute and a half ago are gone")
		}
		time.Sleep(time.Minute)
		got := scrape(t, m)
		if strings.Contains(got, `ragservice_redis_keys{redis="state"}`) {
			t.Error("the figures of a Redis that says nothing are shown")
		}
		if strings.Contains(got, `ragservice_opensearch_heap`) {
			t.Error("the figures of an OpenSearch that says nothing are shown")
		}
		if !strings.Contains(got, `ragservice_redis_keys{redis="cache"}`) {
			t.Error("the figures of another Redis are gone")
		}
	})
}

// TestNodesOfOthersMakeFewSeries: an OpenSearch of somebody else may have hundreds.
func TestNodesOfOthersMakeFewSeries(t *testing.T) {
	m := telemetry.NewMetrics("test")
	nodes := make([]telemetry.SearchNode, 100)
	for i := range nodes {
		nodes[i].Name = strconv.Itoa(i)
	}
	m.OpenSearchSays(nodes)
	if got := strings.Count(scrape(t, m), "ragservice_opensearch_heap_used_bytes{"); got != 32 {
		t.Errorf("%d nodes are shown, want 32", got)
	}
}

func TestDiskPercent(t *testing.T) {
	for name, test := range map[string]struct {
		nodes []telemetry.SearchNode
		want  int64
	}{
		"none tells":           {[]telemetry.SearchNode{{}}, 0},
		"empty":                {[]telemetry.SearchNode{{DiskTotal: 1000, DiskAvailable: 1000}}, 1},
		"full":                 {[]telemetry.SearchNode{{DiskTotal: 1000}}, 100},
		"rounded up":           {[]telemetry.SearchNode{{DiskTotal: 1000, DiskAvailable: 199}}, 81},
		"the fullest":          {[]telemetry.SearchNode{{DiskTotal: 10, DiskAvailable: 5}, {DiskTotal: 10, DiskAvailable: 2}, {DiskTotal: 10, DiskAvailable: 9}}, 80},
		"what cannot be":       {[]telemetry.SearchNode{{DiskTotal: 10, DiskAvailable: 11}, {DiskTotal: 10, DiskAvailable: -1}}, 0},
		"more than an integer": {[]telemetry.SearchNode{{DiskTotal: 1 << 62, DiskAvailable: 1 << 61}}, 50},
	} {
		if got := telemetry.DiskPercent(test.nodes); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}
