package ratelimit_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"
)

// span is when something happened, on the test's clock: somewhere between begin and end.
type span struct{ begin, end time.Duration }

// invariant is what docs/rate-limits.md promises of one bucket: in any window of time t at most
//
//	burst + rate x (t + early) + burst x losses + (shareBurst + shareRate x t, when a server decided alone)
//
// requests are admitted, by all servers together. losses are those in the window, and it counts only what certainly happened in it.
type invariant struct {
	burst, rate float64 // rate in requests a second
	// early is how long before its admission a request may have left the bucket.
	early time.Duration
	// losses are when the store lost its data, alone when a server decided without the store.
	losses, alone         []span
	shareBurst, shareRate float64 // of all servers
}

// clocks is how far the test's clock and those of the buckets may come apart in a run: 500 ppm, as far as a clock is slewed, of 20 s.
const clocks = 10 * time.Millisecond

// overrun tells of a window in which more was admitted than the invariant allows; empty when there is none. It looks at each window
// that begins with an admission and ends with one: others hold no more in a longer time.
func (v invariant) overrun(admitted []span) string {
	byBegin := slices.SortedFunc(slices.Values(admitted), func(a, b span) int { return cmp.Compare(a.begin, b.begin) })
	byEnd := slices.SortedFunc(slices.Values(admitted), func(a, b span) int { return cmp.Compare(a.end, b.end) })
	for _, first := range byBegin {
		from := first.begin
		losses, alone := beginsOf(v.losses, from-v.early), beginsOf(v.alone, from)
		next, _ := slices.BinarySearchFunc(byEnd, from, func(s span, at time.Duration) int { return cmp.Compare(s.end, at) })
		n := 0
		for _, s := range byEnd[next:] {
			if s.begin < from {
				continue // it may have happened before the window
			}
			n++
			t := (s.end - from).Seconds()
			most := v.burst + v.rate*(t+(v.early+clocks).Seconds()) + v.burst*float64(begun(losses, s.end))
			if begun(alone, s.end) > 0 {
				most += v.shareBurst + v.shareRate*(t+clocks.Seconds())
			}
			if float64(n) > most {
				return fmt.Sprintf("%d admitted from %v to %v, want at most %.2f", n, from, s.end, most)
			}
		}
	}
	return ""
}

// beginsOf are the begins, in their order, of the spans that are not over at the time.
func beginsOf(spans []span, at time.Duration) (begins []time.Duration) {
	for _, s := range spans {
		if s.end >= at {
			begins = append(begins, s.begin)
		}
	}
	slices.Sort(begins)
	return begins
}

// begun is how many of the sorted times are not after the time.
func begun(times []time.Duration, at time.Duration) int {
	n, _ := slices.BinarySearch(times, at+1)
	return n
}

// TestInvariantFindsOverruns shows the checker histories that keep the invariant, and such that break it by one request.
func TestInvariantFindsOverruns(t *testing.T) {
	t.Parallel()
	at := func(n int, seconds float64) []span { // n requests
		d := time.Duration(seconds * float64(time.Second))
		return slices.Repeat([]span{{d, d}}, n)
	}
	during := func(begin, end float64) []span {
		return []span{{at(1, begin)[0].begin, at(1, end)[0].end}}
	}
	plain := invariant{burst: 10, rate: 1}
	lossy, early, shared := plain, plain, plain
	lossy.losses = during(4, 5)
	early.early = 2 * time.Second
	shared.alone, shared.shareBurst, shared.shareRate = during(4, 5), 9, 1
	tests := map[string]struct {
		v        invariant
		admitted []span
		broken   bool
	}{
		"a burst":                             {plain, at(10, 0), false},
		"one more":                            {plain, at(11, 0), true},
		"what was gained since":               {plain, slices.Concat(at(10, 0), at(5, 5)), false},
		"one more than was gained":            {plain, slices.Concat(at(10, 0), at(6, 5)), true},
		"late, after less than a burst":       {plain, slices.Concat(at(3, 0), at(11, 60)), true},
		"a call shorter than one takes":       {plain, slices.Concat(at(10, 5), during(4.5, 5)), true},
		"a call that lasted while one gained": {plain, slices.Concat(at(10, 5), during(4, 6)), false},
		"a burst for a loss":                  {lossy, slices.Concat(at(10, 0), at(14, 4)), false},
		"one more than for a loss":            {lossy, slices.Concat(at(10, 0), at(15, 4)), true},
		"a loss before the window":            {lossy, at(11, 6), true},
		"a loss after the window":             {lossy, at(11, 3), true},
		"taken early":                         {early, at(12, 0), false},
		"taken too early":                     {early, at(13, 0), true},
		"shares":                              {shared, slices.Concat(at(10, 4), at(11, 5)), false},
		"one more than the shares":            {shared, slices.Concat(at(10, 4), at(12, 5)), true},
		"shares of another time":              {shared, at(11, 6), true},
	}
	for name, test := range tests {
		if got := test.v.overrun(test.admitted); (got != "") != test.broken {
			t.Errorf("%s: %q, want it broken: %t", name, got, test.broken)
		}
	}
}
