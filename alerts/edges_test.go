package alerts_test

import (
	"fmt"
	"testing"

	"github.com/ragservice/ragservice-operator/alerts"
	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

func well() telemetry.Minute {
	return telemetry.Minute{Requests: 400, Hits: 320, Misses: 80, ModelCalls: 400, Latency: []int64{0, 0, 0, 0, 0, 400}, DiskPercent: 40}
}

// lasting are the minutes of phases, one after the other.
func lasting(phases ...phase) (all []telemetry.Minute) {
	for _, p := range phases {
		for range p.minutes {
			m := well()
			p.edit(&m)
			all = append(all, m)
		}
	}
	return all
}

// phase is so many minutes that are well but for what edit does to each.
type phase struct {
	minutes int
	edit    func(*telemetry.Minute)
}

func asWell(*telemetry.Minute) {}

func nobody(m *telemetry.Minute) { *m = telemetry.Minute{} }

// edges are, for each alert, minutes just beyond its threshold, at it, at what clears it, and beyond it with too few requests.
var edges = []struct {
	name                     v1alpha1.AlertName
	over, at, clears, tooFew func(*telemetry.Minute)
}{
	{
		"ErrorRate", func(m *telemetry.Minute) { m.Errors = 21 }, func(m *telemetry.Minute) { m.Errors = 20 },
		func(m *telemetry.Minute) { m.Errors = 16 }, func(m *telemetry.Minute) { m.Requests, m.Errors = 3, 3 },
	},
	{
		"LatencyP95", func(m *telemetry.Minute) { m.Latency = []int64{13: 376, 14: 24} },
		func(m *telemetry.Minute) { m.Latency = []int64{13: 380, 14: 20} },
		func(m *telemetry.Minute) { m.Latency = []int64{12: 380, 14: 20} }, func(m *telemetry.Minute) { m.Latency = []int64{15: 3} },
	},
	{
		"CacheHitRate", func(m *telemetry.Minute) { m.Hits, m.Misses = 196, 204 }, func(m *telemetry.Minute) { m.Hits, m.Misses = 200, 200 },
		func(m *telemetry.Minute) { m.Hits, m.Misses = 220, 180 }, func(m *telemetry.Minute) { m.Hits, m.Misses = 0, 3 },
	},
	{
		"LLMAvailability", func(m *telemetry.Minute) { m.ModelFailures = 21 }, func(m *telemetry.Minute) { m.ModelFailures = 20 },
		func(m *telemetry.Minute) { m.ModelFailures = 16 }, func(m *telemetry.Minute) { m.ModelCalls, m.ModelFailures = 3, 3 },
	},
	{
		"DiskUsage", func(m *telemetry.Minute) { m.DiskPercent = 81 }, func(m *telemetry.Minute) { m.DiskPercent = 80 },
		func(m *telemetry.Minute) { m.DiskPercent = 75 }, nil,
	},
}

// TestRulesAtTheirEdges: each fires when its value is just beyond its threshold for as long as it says, and at no other edge. The operator says
// the same.
func TestRulesAtTheirEdges(t *testing.T) {
	t.Parallel()
	var tests []unitTest
	for _, e := range edges {
		name := alerts.RuleName(e.name)
		for _, c := range []struct {
			what    string
			minutes []telemetry.Minute
			// raised and over are after which minute; 0 for never.
			raised, over int
		}{
			{"just beyond", lasting(phase{20, e.over}), 6, 0},
			{"at the threshold", lasting(phase{30, e.at}), 0, 0},
			{"for a minute less than it has to last", lasting(phase{5, e.over}, phase{15, asWell}), 0, 0},
			{"at the threshold again", lasting(phase{10, e.over}, phase{20, e.at}), 6, 0},
			{"cleared", lasting(phase{10, e.over}, phase{20, e.clears}), 6, 15},
			{"nobody asks any more", lasting(phase{10, e.over}, phase{40, nobody}), 6, 40},
		} {
			if e.name == v1alpha1.AlertDiskUsage && c.over > 0 {
				c.over = map[int]int{15: 11, 40: 40}[c.over] // a disk is what it is now
			}
			test := unitTest{Name: fmt.Sprintf("%s, %s", name, c.what), Interval: "15s", InputSeries: scraped(server{pod: "a", minutes: c.minutes})}
			says := operatorSays(asking(), server{minutes: c.minutes})
			for minute := range says {
				fires := c.raised > 0 && minute >= c.raised && (c.over == 0 || minute < c.over)
				test.Queries = append(test.Queries, firesAt(name, minute, fires))
				if says[minute][name] != fires {
					t.Errorf("%s: after %d minutes the operator has it fire: %t", test.Name, minute, says[minute][name])
				}
			}
			tests = append(tests, test)
		}
		if e.tooFew != nil {
			tests = append(tests, unitTest{
				Name: name + ", too few requests", Interval: "15s", InputSeries: scraped(server{pod: "a", minutes: lasting(phase{40, e.tooFew})}),
				Queries: []queryTest{firesAt(name, 20, false), firesAt(name, 40, false)},
			})
		}
	}
	testRules(t, asking(), "1m", tests)
}
