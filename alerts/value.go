package alerts

import (
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// share is a part of a whole in percent, known when the whole is of enough requests.
func share(minutes []telemetry.Minute, counts func(telemetry.Minute) (part, whole int64)) (float64, bool) {
	var part, whole int64
	for _, m := range minutes {
		p, w := counts(m)
		part, whole = part+p, whole+w
	}
	if whole < Enough {
		return 0, false
	}
	return 100 * float64(part) / float64(whole), true
}

func errorRate(minutes []telemetry.Minute) (float64, bool) {
	return share(minutes, func(m telemetry.Minute) (int64, int64) { return m.Errors, m.Requests })
}

func hitRate(minutes []telemetry.Minute) (float64, bool) {
	return share(minutes, func(m telemetry.Minute) (int64, int64) { return m.Hits, m.Hits + m.Misses })
}

func availability(minutes []telemetry.Minute) (float64, bool) {
	return share(minutes, func(m telemetry.Minute) (int64, int64) { return m.ModelCalls - m.ModelFailures, m.ModelCalls })
}

// diskUsage is the last reading.
func diskUsage(minutes []telemetry.Minute) (percent float64, known bool) {
	for _, m := range minutes {
		if m.DiskPercent > 0 {
			percent, known = float64(m.DiskPercent), true
		}
	}
	return percent, known
}

// LatencyP95 is the 95th percentile in seconds, interpolated within a bucket as Prometheus does; what took longer than the last bound counts
// as that.
func LatencyP95(minutes []telemetry.Minute) (float64, bool) {
	var counts [len(telemetry.LatencyBounds) + 1]int64
	var all int64
	for _, m := range minutes {
		for bucket, n := range m.Latency {
			counts[bucket] += n
			all += n
		}
	}
	if all < Enough {
		return 0, false
	}
	rank, below, lower := 0.95*float64(all), 0.0, 0.0
	for bucket, upper := range telemetry.LatencyBounds {
		if n := float64(counts[bucket]); n > 0 && below+n >= rank {
			return lower + (upper-lower)*(rank-below)/n, true
		}
		below += float64(counts[bucket])
		lower = upper
	}
	return lower, true
}
