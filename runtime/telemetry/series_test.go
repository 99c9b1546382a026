package telemetry

import (
	"strconv"
	"sync"
	"testing"
)

// TestSeriesAreFoundOnce asks from many goroutines: each gets the metric of its own labels, whoever made it.
func TestSeriesAreFoundOnce(t *testing.T) {
	var s series[int, string]
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 200 {
				if got := s.of(i%20, strconv.Itoa); got != strconv.Itoa(i%20) {
					t.Errorf("%d has %s", i%20, got)
				}
			}
		})
	}
	all.Wait()
	s.of(3, func(int) string {
		t.Error("found again")
		return ""
	})
}

// BenchmarkCachedAnswer counts what a cached answer counts.
func BenchmarkCachedAnswer(b *testing.B) {
	m := NewMetrics("test")
	b.ReportAllocs()
	for b.Loop() {
		m.InFlight(1)
		m.Limit("ask", "free", LimitAdmitted, "redis")
		m.Redis("state", "limit", "ok", 1000)
		m.CacheLookup("search", "local", "hit")
		m.CacheLookup("llm", "local", "hit")
		m.CacheResult("llm", "HIT")
		m.Request(b.Context(), "POST", "/api/v1/ask", 200, 1000)
		m.InFlight(-1)
	}
}
