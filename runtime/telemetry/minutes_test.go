package telemetry_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

func TestMinutes(t *testing.T) {
	c := newClock()
	first := c.now.Unix() / 60
	traffic := telemetry.NewTraffic(c.read)
	if all := traffic.Minutes(); len(all) != 0 {
		t.Errorf("minutes before the first request: %+v", all)
	}
	traffic.Request("a", false)
	traffic.Request("b", true)
	traffic.Unidentified()
	traffic.Cache("a", telemetry.KindSearch, "HIT", "")
	traffic.Cache("b", telemetry.KindLLM, "MISS", "")
	traffic.Cache("b", telemetry.KindLLM, "STALE", "")
	traffic.Cache("b", telemetry.KindLLM, "BYPASS", "")
	c.now = c.now.Add(2 * time.Minute) // nothing happens in the minute between
	traffic.Model(true)
	traffic.Model(false)
	for _, took := range []time.Duration{5 * time.Millisecond, 5*time.Millisecond + 1, 5 * time.Second, 5*time.Second + 1, time.Hour} {
		traffic.Answered("ask", took)
	}
	traffic.Disk(81)
	traffic.Disk(80)
	want := []telemetry.Minute{
		{Minute: first, Requests: 3, Errors: 2, Hits: 1, Misses: 1},
		{Minute: first + 2, ModelCalls: 2, ModelFailures: 1, DiskPercent: 80, Latency: []int64{1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 1}},
	}
	if diff := cmp.Diff(want, traffic.Minutes()); diff != "" {
		t.Error(diff)
	}
	if len(want[1].Latency) != len(telemetry.LatencyBounds)+1 {
		t.Errorf("%d counts for %d bounds", len(want[1].Latency), len(telemetry.LatencyBounds))
	}

	c.now = c.now.Add(-time.Hour) // a clock that is set back adds to the last minute
	traffic.Request("a", false)
	want[1].Requests = 1
	if diff := cmp.Diff(want, traffic.Minutes()); diff != "" {
		t.Errorf("after the clock was set back: %s", diff)
	}

	c.now = c.now.Add(time.Hour + (telemetry.MinutesKept-2)*time.Minute)
	if diff := cmp.Diff(want[1:], traffic.Minutes()); diff != "" {
		t.Errorf("when the first minute is too old: %s", diff)
	}
	traffic.Request("a", false) // in the place of the first
	want = []telemetry.Minute{want[1], {Minute: first + telemetry.MinutesKept, Requests: 1}}
	if diff := cmp.Diff(want, traffic.Minutes()); diff != "" {
		t.Errorf("in the place of the first minute: %s", diff)
	}
}
