package status

import (
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// Traffic is what all servers of a RAGService counted, by minute. It is made of what servers report, so that it is the same after a restart
// of the operator.
type Traffic struct {
	// Minutes are sums over servers, in order, those in which nothing was counted left out.
	Minutes []telemetry.Minute
	// Now is the minute that ran when the servers were asked; its counts go on.
	Now int64
	// Since is the first minute of which no server's counts are missing.
	Since int64
}

// wholeSince says that everything is known from a minute on.
func (t Traffic) wholeSince(minute int64) bool { return t.Now > 0 && t.Since <= minute }

// between are the minutes from first to last.
func (t Traffic) between(first, last int64) []telemetry.Minute {
	from := 0
	for from < len(t.Minutes) && t.Minutes[from].Minute < first {
		from++
	}
	to := from
	for to < len(t.Minutes) && t.Minutes[to].Minute <= last {
		to++
	}
	return t.Minutes[from:to]
}

// share is a part of a whole in percent, known when the whole is of enough requests.
func share(minutes []telemetry.Minute, counts func(telemetry.Minute) (part, whole int64)) (float64, bool) {
	var part, whole int64
	for _, m := range minutes {
		p, w := counts(m)
		part, whole = part+p, whole+w
	}
	if whole < enoughRequests {
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

// latencyP95 is the 95th percentile in seconds, interpolated within a bucket as Prometheus does; what took longer than the last bound counts
// as that.
func latencyP95(minutes []telemetry.Minute) (float64, bool) {
	var counts [len(telemetry.LatencyBounds) + 1]int64
	var all int64
	for _, m := range minutes {
		for bucket, n := range m.Latency {
			counts[bucket] += n
			all += n
		}
	}
	if all < enoughRequests {
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

// SumMinutes adds what servers counted in the same minute, in any order. Of disks the fullest counts.
func SumMinutes(sum *telemetry.Minute, m telemetry.Minute) {
	sum.Requests += m.Requests
	sum.Errors += m.Errors
	sum.Hits += m.Hits
	sum.Misses += m.Misses
	sum.ModelCalls += m.ModelCalls
	sum.ModelFailures += m.ModelFailures
	sum.DiskPercent = max(sum.DiskPercent, m.DiskPercent)
	for len(sum.Latency) < len(m.Latency) {
		sum.Latency = append(sum.Latency, 0)
	}
	for bucket, n := range m.Latency {
		sum.Latency[bucket] += n
	}
}
