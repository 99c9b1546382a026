package alerts_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ragservice/ragservice-operator/alerts"
	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/status"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// server is what one server counts in each minute since the beginning of a test.
type server struct {
	pod     string
	minutes []telemetry.Minute
	// from and to are the minutes in which it runs; restarts those at whose beginning its counters are 0 again.
	from, to int
	restarts []int
}

// scrapes are how many there are in a minute: one every 15 s.
const scrapes = 4

// counters are the series of a server, by what they count.
func counters() map[string]func(telemetry.Minute) int64 {
	series := map[string]func(telemetry.Minute) int64{
		`ragservice_requests_total{outcome="ok"`:                     func(m telemetry.Minute) int64 { return m.Requests - m.Errors },
		`ragservice_requests_total{outcome="failed"`:                 func(m telemetry.Minute) int64 { return m.Errors },
		`ragservice_cache_requests_total{kind="llm",outcome="HIT"`:   func(m telemetry.Minute) int64 { return m.Hits },
		`ragservice_cache_requests_total{kind="llm",outcome="MISS"`:  func(m telemetry.Minute) int64 { return m.Misses },
		`ragservice_cache_requests_total{kind="llm",outcome="STALE"`: func(telemetry.Minute) int64 { return 7 }, // neither
		`ragservice_llm_requests_total{outcome="answered"`:           func(m telemetry.Minute) int64 { return m.ModelCalls - m.ModelFailures },
		`ragservice_llm_requests_total{outcome="failed"`:             func(m telemetry.Minute) int64 { return m.ModelFailures },
		`ragservice_answer_duration_seconds_count{endpoint="ask"`:    func(m telemetry.Minute) int64 { return upTo(m, len(telemetry.LatencyBounds)) },
		`ragservice_answer_duration_seconds_bucket{endpoint="ask",le="+Inf"`: func(m telemetry.Minute) int64 {
			return upTo(m, len(telemetry.LatencyBounds))
		},
	}
	for bucket, bound := range telemetry.LatencyBounds {
		name := fmt.Sprintf(`ragservice_answer_duration_seconds_bucket{endpoint="ask",le=%q`, strconv.FormatFloat(bound, 'g', -1, 64))
		series[name] = func(m telemetry.Minute) int64 { return upTo(m, bucket) }
	}
	return series
}

// upTo are the answers in a bucket and those before it.
func upTo(m telemetry.Minute, bucket int) (n int64) {
	for b := 0; b <= bucket && b < len(m.Latency); b++ {
		n += m.Latency[b]
	}
	return n
}

// scraped are the series as Prometheus has them of servers, which count evenly within each minute.
func scraped(servers ...server) []series {
	var all []series
	for _, s := range servers {
		labels := fmt.Sprintf(`namespace="shop",service="papers-metrics",pod=%q}`, s.pod)
		for name, count := range counters() {
			all = append(all, series{name + "," + labels, s.values(func(total *int64, m telemetry.Minute, scrape int) string {
				before := count(m) * int64(scrape-1) / scrapes
				*total += count(m)*int64(scrape)/scrapes - before
				return strconv.FormatInt(*total, 10)
			})})
		}
		all = append(all, series{"ragservice_opensearch_disk_used_ratio{" + labels, s.values(func(_ *int64, m telemetry.Minute, _ int) string {
			if m.DiskPercent == 0 {
				return "stale"
			}
			return strconv.FormatFloat(float64(m.DiskPercent)/100, 'g', -1, 64)
		})})
	}
	slices.SortFunc(all, func(a, b series) int { return strings.Compare(a.Series, b.Series) })
	return all
}

// values are those of a series from the first scrape on, which is before anything was counted.
func (s server) values(next func(total *int64, m telemetry.Minute, scrape int) string) string {
	first := "_"
	if s.from == 0 {
		first = "0"
	}
	all, total := []string{first}, int64(0)
	for minute, m := range s.minutes {
		if slices.Contains(s.restarts, minute) {
			total = 0
		}
		for scrape := 1; scrape <= scrapes; scrape++ {
			switch {
			case minute < s.from || (s.to > 0 && minute > s.to):
				all = append(all, "_")
			case s.to > 0 && minute == s.to:
				all = append(all, "stale")
			default:
				all = append(all, next(&total, m, scrape))
			}
		}
	}
	return strings.Join(all, " ")
}

// sums are what all servers count in each minute.
func sums(servers ...server) []telemetry.Minute {
	all := make([]telemetry.Minute, len(servers[0].minutes))
	for minute := range all {
		for _, s := range servers {
			if minute >= s.from && (s.to == 0 || minute < s.to) {
				status.SumMinutes(&all[minute], s.minutes[minute])
			}
		}
	}
	return all
}

// operatorSays is which alerts fire by the operator's judgement after each minute, of which the first is that before any.
func operatorSays(rag *v1alpha1.RAGService, servers ...server) []map[string]bool {
	const epoch = 31_000_000
	traffic := status.Traffic{Since: epoch - telemetry.MinutesKept} // nothing was counted before
	says := []map[string]bool{{}}
	var firing []v1alpha1.AlertStatus
	for minute, sum := range sums(servers...) {
		sum.Minute = epoch + int64(minute)
		traffic.Minutes, traffic.Now = append(traffic.Minutes, sum), sum.Minute+1
		firing, _ = status.Alerts(rag, firing, traffic)
		now := map[string]bool{}
		for _, a := range firing {
			now[alerts.RuleName(a.Name)] = true
		}
		says = append(says, now)
	}
	return says
}
