package observe

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/status"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// counting is a server's report: it started at a time and counted n requests in each of the minutes since, of which it tells the last ten.
func counting(at, started time.Time, n int64) *telemetry.Statusz {
	said := &telemetry.Statusz{Started: started.Unix()}
	for minute := max(minuteOf(at)-9, minuteOf(started)); minute <= minuteOf(at); minute++ {
		said.Minutes = append(said.Minutes, telemetry.Minute{Minute: minute, Requests: n, Latency: []int64{0, n}})
	}
	return said
}

func (p *polling) traffic() status.Traffic { return p.Latest(service1, "s").Traffic }

// requests of the last five whole minutes.
func (p *polling) requests() (n int64) {
	t := p.traffic()
	for _, m := range t.Minutes {
		if m.Minute >= t.Now-5 && m.Minute < t.Now {
			n += m.Requests
		}
	}
	return n
}

func TestTrafficIsTheSumOfServers(t *testing.T) {
	t.Parallel()
	p := newPolling(t)
	p.round(counting(p.clock, p.clock.Add(-time.Hour), 10), counting(p.clock, p.clock.Add(-3*time.Minute), 5))
	got, now := p.traffic(), minuteOf(p.clock)
	if got.Now != now || got.Since != now-2 {
		t.Errorf("now %d, known since %d minutes ago, want 2", got.Now-now, now-got.Since)
	}
	want := map[int64]telemetry.Minute{}
	for minute := now - 9; minute <= now; minute++ {
		n := int64(10)
		if minute >= now-3 {
			n = 15
		}
		want[minute] = telemetry.Minute{Minute: minute, Requests: n, Latency: []int64{0, n}}
	}
	if len(got.Minutes) != len(want) {
		t.Fatalf("%d minutes, want %d", len(got.Minutes), len(want))
	}
	for _, m := range got.Minutes {
		if diff := cmp.Diff(want[m.Minute], m); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	p.round(counting(p.clock, p.clock.Add(-time.Hour), 10), counting(p.clock, p.clock.Add(-3*time.Minute), 5))
	if diff := cmp.Diff(got, p.traffic()); diff != "" {
		t.Errorf("the same reports again add up (-first +second):\n%s", diff)
	}
}

// TestTrafficSurvivesRestarts: of a server, since the operator remembers what it counted; and of the operator, since servers do.
func TestTrafficSurvivesRestarts(t *testing.T) {
	t.Parallel()
	p := newPolling(t)
	longAgo := p.clock.Add(-time.Hour)
	p.round(counting(p.clock, longAgo, 10), counting(p.clock, longAgo, 10))
	again := p.clock.Truncate(time.Minute).Add(time.Minute)
	p.clock = again
	p.round(counting(p.clock, longAgo, 10), counting(p.clock, again, 10))
	if n := p.requests(); n != 100 {
		t.Errorf("after a server's restart %d requests, want 100", n)
	}
	p.clock = p.clock.Add(5 * time.Minute)
	p.round(counting(p.clock, longAgo, 10), counting(p.clock, again, 10))
	p.round(counting(p.clock, longAgo, 10), counting(p.clock, p.clock, 10)) // and again
	if known := p.traffic().Now - p.traffic().Since; known != 5 {
		t.Errorf("it knows of %d minutes, want the 5 since it began to follow", known)
	}

	other := newPolling(t) // a new operator
	other.clock = p.clock
	other.services[service1].history = newHistory(p.clock)
	other.round(counting(p.clock, longAgo, 10), counting(p.clock, p.clock, 10))
	if known := other.traffic().Now - other.traffic().Since; known > 0 {
		t.Errorf("a new operator takes %d minutes for known, of which a server has forgotten its part", known)
	}
	other.round(counting(p.clock, longAgo, 10), counting(p.clock, longAgo, 10))
	if got := other.traffic(); got.Since > minuteOf(longAgo)+1 {
		t.Errorf("a new operator knows of %d minutes, where servers have run for an hour", got.Now-got.Since)
	}
}

// TestTrafficOfAServerThatDoesNotAnswer is not known; nor what it counted, should it end before it answers.
func TestTrafficOfAServerThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	longAgo := now.Add(-time.Hour)
	for _, c := range []struct {
		name  string
		then  func(at time.Time) []*telemetry.Statusz
		known bool
	}{
		{"it answers after all", func(at time.Time) []*telemetry.Statusz {
			return []*telemetry.Statusz{counting(at, longAgo, 10), counting(at, longAgo, 10)}
		}, true},
		{"it has begun anew", func(at time.Time) []*telemetry.Statusz {
			return []*telemetry.Statusz{counting(at, longAgo, 10), counting(at, at, 10)}
		}, false},
		{"it is gone", func(at time.Time) []*telemetry.Statusz {
			return []*telemetry.Statusz{counting(at, longAgo, 10)}
		}, false},
		{"it still does not", func(at time.Time) []*telemetry.Statusz {
			return []*telemetry.Statusz{counting(at, longAgo, 10), nil}
		}, false},
		{"it is of a version that does not tell", func(time.Time) []*telemetry.Statusz { return []*telemetry.Statusz{{}} }, false},
	} {
		p := newPolling(t)
		p.round(counting(p.clock, longAgo, 10), nil)
		if got := p.traffic(); got.Since <= got.Now {
			t.Error("traffic is taken for known while a server does not answer")
		}
		p.clock = p.clock.Add(time.Minute)
		p.round(c.then(p.clock)...)
		if got := p.traffic(); c.known != (got.Since < got.Now-30) || (!c.known && got.Since <= got.Now) {
			t.Errorf("%s: traffic is known since %d minutes", c.name, got.Now-got.Since)
		}
	}
}

func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	h := newHistory(now)
	for i := range 200 {
		said := counting(now, now.Add(-time.Minute), 1)
		said.PodUID = fmt.Sprint(i)
		said.Minutes = append(said.Minutes, telemetry.Minute{Minute: minuteOf(now) + 1}, telemetry.Minute{Minute: minuteOf(now) - telemetry.MinutesKept})
		h.take(said, now)
	}
	if got := h.traffic(status.Poll{}, nil, now); len(h.starts) != maxStarts || len(got.Minutes) != 2 {
		t.Errorf("%d starts and %d minutes are remembered", len(h.starts), len(got.Minutes))
	}
	if h.traffic(status.Poll{}, nil, now.Add(telemetry.MinutesKept*time.Minute)); len(h.starts) != 0 {
		t.Errorf("%d starts are remembered when all their minutes are too old", len(h.starts))
	}
}

// TestRoundsTellOfAlerts once.
func TestRoundsTellOfAlerts(t *testing.T) {
	t.Parallel()
	p := newPolling(t)
	p.Follow(service1, Followed{UID: "s", Service: &v1alpha1.RAGService{}})
	fails := func(n int64) *telemetry.Statusz {
		said := counting(p.clock, p.clock.Add(-time.Hour), 100)
		for i := range said.Minutes {
			said.Minutes[i].Errors = n
		}
		said.Minutes = append([]telemetry.Minute{{Minute: said.Minutes[0].Minute - 1, Requests: 100, Errors: n}}, said.Minutes...)
		return said
	}
	p.round(fails(0))
	for i, step := range []struct {
		failed int64
		want   bool
	}{{0, false}, {5, false}, {20, true}, {20, false}, {0, true}} {
		if got := p.round(fails(step.failed)); got != step.want {
			t.Errorf("round %d with %d failures told %t, want %t", i, step.failed, got, step.want)
		}
	}
}
