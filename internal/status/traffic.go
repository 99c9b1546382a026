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
