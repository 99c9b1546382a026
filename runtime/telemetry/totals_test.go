package telemetry_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// TestAlertsCanBeJudgedByMetrics: they say what the minutes say, from the first scrape on.
func TestAlertsCanBeJudgedByMetrics(t *testing.T) {
	t.Parallel()
	c := newClock()
	traffic, m := telemetry.NewTraffic(c.read), telemetry.NewMetrics("test")
	m.Traffic(traffic)
	shows := func(when string, want ...string) {
		t.Helper()
		got := scrape(t, m)
		for _, line := range want {
			if !strings.Contains(got, line+"\n") {
				t.Errorf("%s: no %s", when, line)
			}
		}
	}
	shows("at the start", `ragservice_requests_total{outcome="ok"} 0`, `ragservice_requests_total{outcome="failed"} 0`,
		`ragservice_llm_requests_total{outcome="answered"} 0`, `ragservice_llm_requests_total{outcome="failed"} 0`,
		`ragservice_cache_requests_total{kind="search",outcome="HIT"} 0`, `ragservice_cache_requests_total{kind="search",outcome="MISS"} 0`,
		`ragservice_cache_requests_total{kind="llm",outcome="HIT"} 0`, `ragservice_cache_requests_total{kind="llm",outcome="MISS"} 0`,
		`ragservice_answer_duration_seconds_count{endpoint="search"} 0`, `ragservice_answer_duration_seconds_count{endpoint="ask"} 0`,
		`ragservice_answer_duration_seconds_count{endpoint="stream"} 0`)

	for range 3 { // minutes
		traffic.Request("a", false)
		traffic.Request("b", true)
		traffic.Unidentified()
		traffic.Model(false)
		traffic.Model(false)
		traffic.Model(true)
		traffic.Answered("ask", 5*time.Millisecond)
		traffic.Answered("ask", 5*time.Millisecond+1)
		c.now = c.now.Add(time.Minute)
	}
	traffic.Disk(83)
	shows("after three minutes", `ragservice_requests_total{outcome="ok"} 3`, `ragservice_requests_total{outcome="failed"} 6`,
		`ragservice_llm_requests_total{outcome="answered"} 6`, `ragservice_llm_requests_total{outcome="failed"} 3`,
		`ragservice_answer_duration_seconds_bucket{endpoint="ask",le="0.005"} 3`, `ragservice_answer_duration_seconds_count{endpoint="ask"} 6`,
		`ragservice_opensearch_disk_used_ratio 0.83`)

	const disk = "ragservice_opensearch_disk_used_ratio"
	c.now = c.now.Add(4 * time.Minute)
	shows("a reading of four minutes ago", disk+" 0.83")
	c.now = c.now.Add(time.Minute)
	if got := scrape(t, m); strings.Contains(got, disk) {
		t.Error("a disk that was not asked for five minutes is told")
	}
}
