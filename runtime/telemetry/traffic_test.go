package telemetry_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/stats"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// clock is a clock that stands still until it is set.
type clock struct{ now time.Time }

func (c *clock) read() time.Time { return c.now }

func newClock() *clock { return &clock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)} }

// figures are those of tenant a, as GET stats tells them.
func (c *clock) figures(traffic *telemetry.Traffic) (sinceStart, recent telemetry.Figures) {
	board := stats.New(stats.Options{Traffic: traffic, Now: c.read, LogQueries: func() config.LogQueries { return config.LogQueriesNone }})
	told := board.Replica("a")
	return told.SinceStart, told.Recent
}

func TestTrafficOfATenant(t *testing.T) {
	c := newClock()
	traffic := telemetry.NewTraffic(c.read)
	traffic.Request("a", false)
	traffic.Cache("a", telemetry.KindSearch, "MISS", "")
	c.now = c.now.Add(4 * time.Minute)
	traffic.Request("a", true)
	traffic.Cache("a", telemetry.KindSearch, "HIT", "redis")
	traffic.Cache("a", telemetry.KindSearch, "STALE", "local")
	traffic.Cache("a", telemetry.KindSearch, "BYPASS", "")
	traffic.Cache("a", telemetry.KindLLM, "HIT", "coalesced")
	traffic.Saved("a", telemetry.KindLLM, "coalesced", telemetry.Savings{PromptTokens: 3, CompletionTokens: 2, CostUSD: 1})
	for _, score := range []float64{1, 0.5, 0, -1, -0.25} {
		traffic.Feedback("a", score)
	}
	traffic.Feedback("b", 1)
	traffic.Request("b", false)

	saved := telemetry.Savings{PromptTokens: 3, CompletionTokens: 2, CostUSD: 1}
	late := telemetry.Counts{
		Requests: 1, Errors: 1,
		Search: telemetry.KindCounts{
			All:    telemetry.Hits{Hits: 1, Stale: 1},
			Layers: [3]telemetry.LayerCounts{{Stale: 1}, {}, {Hits: 1}},
		},
		LLM: telemetry.KindCounts{
			All:    telemetry.Hits{Hits: 1},
			Saved:  saved,
			Layers: [3]telemetry.LayerCounts{{}, {Hits: 1, Saved: saved}},
		},
		Feedback: telemetry.FeedbackCounts{Positive: 2, Neutral: 1, Negative: 2, Sum: 0.25},
	}
	all := late
	all.Requests, all.Search.All.Misses = 2, 1
	steps := []struct {
		after        time.Duration
		since, again telemetry.Figures
	}{
		{0, telemetry.Figures{Over: 4 * time.Minute, Counts: all}, telemetry.Figures{Over: 4 * time.Minute, Counts: all}},
		{59 * time.Second, telemetry.Figures{Over: 299 * time.Second, Counts: all}, telemetry.Figures{Over: 299 * time.Second, Counts: all}},
		{time.Second, telemetry.Figures{Over: 300 * time.Second, Counts: all}, telemetry.Figures{Over: telemetry.Window, Counts: late}},
		{4 * time.Minute, telemetry.Figures{Over: 540 * time.Second, Counts: all}, telemetry.Figures{Over: telemetry.Window}},
		{time.Hour, telemetry.Figures{Over: 4140 * time.Second, Counts: all}, telemetry.Figures{Over: telemetry.Window}},
	}
	for _, step := range steps {
		c.now = c.now.Add(step.after)
		since, recent := c.figures(traffic)
		if diff := cmp.Diff([]telemetry.Figures{step.since, step.again}, []telemetry.Figures{since, recent}); diff != "" {
			t.Errorf("%s later: %s", step.after, diff)
		}
	}
	if since := traffic.Record("nobody").Total; since != (telemetry.Counts{}) {
		t.Errorf("a tenant without traffic: %+v", since)
	}
}

func TestRecentTrafficOfAllTenants(t *testing.T) {
	c := newClock()
	traffic := telemetry.NewTraffic(c.read)
	for i := range 1500 { // beyond those that have figures of their own
		traffic.Request(strconv.Itoa(i), false)
		traffic.Cache(strconv.Itoa(i), telemetry.KindLLM, map[bool]string{true: "HIT", false: "MISS"}[i%3 == 0], "local")
	}
	want := []telemetry.CacheCount{{Kind: "search"}, {Kind: "llm", Hits: 500, Misses: 1000}}
	if diff := cmp.Diff(want, traffic.Recent()); diff != "" {
		t.Error(diff)
	}
	if since := traffic.Record("1499").Total; since.Requests != 0 {
		t.Errorf("the memory of tenants is not bounded: %+v", since)
	}
	c.now = c.now.Add(telemetry.Window)
	if diff := cmp.Diff([]telemetry.CacheCount{{Kind: "search"}, {Kind: "llm"}}, traffic.Recent()); diff != "" {
		t.Error(diff)
	}
}

// TestClockThatRunsBackwards keeps counting.
func TestClockThatRunsBackwards(t *testing.T) {
	c := newClock()
	traffic := telemetry.NewTraffic(c.read)
	c.now = c.now.Add(-time.Hour)
	traffic.Request("a", false)
	if since, recent := c.figures(traffic); since.Requests != 1 || recent.Requests != 1 || since.Over != 0 {
		t.Errorf("%+v %+v", since, recent)
	}
}
