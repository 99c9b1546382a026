package alerts_test

import (
	"testing"

	"github.com/ragservice/ragservice-operator/alerts"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// TestLatencyIsOfCounts: the 95th percentile of all servers is of the sum of their counts.
func TestLatencyIsOfCounts(t *testing.T) {
	t.Parallel()
	quick, slowly := telemetry.Minute{Latency: []int64{990}}, telemetry.Minute{Latency: []int64{20: 10}}
	for _, c := range []struct {
		name    string
		minutes []telemetry.Minute
		want    float64
		known   bool
	}{
		{"a quick server beside one that is slow and is asked little", []telemetry.Minute{quick, slowly}, 0.005 * 950 / 990, true},
		{"the slow one alone, twice", []telemetry.Minute{slowly, slowly}, 60, true},
		{"the slow one alone", []telemetry.Minute{slowly}, 0, false},
		{"in the middle of a bucket", []telemetry.Minute{{Latency: []int64{13: 90, 14: 10}}}, 5 + 2.5*5/10, true},
		{"at a bound", []telemetry.Minute{{Latency: []int64{13: 95, 14: 5}}}, 5, true},
	} {
		if got, known := alerts.LatencyP95(c.minutes); known != c.known || got < c.want-1e-9 || got > c.want+1e-9 {
			t.Errorf("%s: %g, %t, want %g", c.name, got, known, c.want)
		}
	}
}
