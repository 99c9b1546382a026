package telemetry

import (
	"slices"
	"time"
)

// MinutesKept is how many minutes a server remembers: an alert looks back over at most 30 minutes and the window before them, and some
// are to spare.
const MinutesKept = 40

// LatencyBounds are the upper bounds of Minute.Latency, in seconds. Thresholds that people set are among them, so that the 95th percentile
// is not interpolated just there.
var LatencyBounds = [...]float64{.005, .01, .025, .05, .1, .25, .5, .75, 1, 1.5, 2, 3, 4, 5, 7.5, 10, 15, 20, 30, 60}

// Minute counts what a server did in one minute of the clock. Counts of the same minute add up over servers, which rates do not. All that
// is judged over time is made from them, so that whoever judges needs no memory of its own.
type Minute struct {
	// Minute is the time in minutes since 1970.
	Minute int64 `json:"minute"`
	// Requests and Errors count requests of known callers, and those that failed for a reason of the service: 5xx and error events.
	Requests int64 `json:"requests,omitempty"`
	Errors   int64 `json:"errors,omitempty"`
	// Hits and Misses count results by how the cache served them, BYPASS and STALE excluded.
	Hits   int64 `json:"hits,omitempty"`
	Misses int64 `json:"misses,omitempty"`
	// ModelCalls and ModelFailures count requests to the language model, and those of them that failed.
	ModelCalls    int64 `json:"modelCalls,omitempty"`
	ModelFailures int64 `json:"modelFailures,omitempty"`
	// Latency counts answers to search, ask and stream by the time that they took without that of the model: one count for each of
	// LatencyBounds, and one for what took longer. Zeros at its end are left out.
	Latency []int64 `json:"latency,omitempty"`
	// DiskPercent is how full the fullest disk of the search engine is; 0 when that is not known.
	DiskPercent int64 `json:"diskPercent,omitempty"`
}

// latencyBucket is the index in Latency of a time.
func latencyBucket(took time.Duration) int {
	bucket, _ := slices.BinarySearch(LatencyBounds[:], took.Seconds())
	return bucket
}

// minutes are the last ones, each in the place of its number.
type minutes [MinutesKept]Minute

// at is a minute to be counted in. One that is used again begins anew.
func (m *minutes) at(minute int64) *Minute {
	place := &m[minute%MinutesKept]
	if place.Minute != minute {
		*place = Minute{Minute: minute}
	}
	return place
}

// since are those in which something was counted, in order.
func (m *minutes) since(first int64) []Minute {
	var all []Minute
	for _, each := range m {
		if each.Minute >= first && each.Minute > 0 {
			each.Latency = slices.Clone(each.Latency)
			all = append(all, each)
		}
	}
	slices.SortFunc(all, func(a, b Minute) int { return int(a.Minute - b.Minute) })
	return all
}

// Answered counts an answer of an endpoint (search, ask, stream) by the time that it took without that of the model.
func (t *Traffic) Answered(endpoint string, took time.Duration) {
	t.totals.answers.WithLabelValues(endpoint).Observe(took.Seconds())
	t.inMinute(func(m *Minute) {
		bucket := latencyBucket(took)
		for len(m.Latency) <= bucket {
			m.Latency = append(m.Latency, 0)
		}
		m.Latency[bucket]++
	})
}

// Unidentified counts a request that failed, for a reason of the service, before it was known who asked.
func (t *Traffic) Unidentified() {
	t.inMinute(func(m *Minute) { m.Requests++; m.Errors++ })
}

// Model counts a request to the language model.
func (t *Traffic) Model(failed bool) {
	t.inMinute(func(m *Minute) {
		m.ModelCalls++
		if failed {
			m.ModelFailures++
		}
	})
}

// Disk notes how full the fullest disk of the search engine is, in percent, rounded up: 1 to 100.
func (t *Traffic) Disk(percent int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.totals.diskAt = t.minute()
	t.count(func(m *Minute) { m.DiskPercent = percent })
}

func (t *Traffic) inMinute(count func(*Minute)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count(count)
}

// count counts in the minute that runs and in the totals. The caller holds mu.
func (t *Traffic) count(count func(*Minute)) {
	count(t.minutes.at(t.minute()))
	count(&t.totals.Minute)
}

// minute is that of the clock; one that is set back counts as standing still.
func (t *Traffic) minute() int64 {
	t.latest = max(t.latest, t.now().Unix()/60)
	return t.latest
}

// Minutes are the last MinutesKept minutes in which something was counted, that which runs included.
func (t *Traffic) Minutes() []Minute {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.minutes.since(t.minute() - MinutesKept + 1)
}

// Started is when counting began, in seconds since 1970: another start of the same server counts anew.
func (t *Traffic) Started() int64 { return t.start.Unix() }
