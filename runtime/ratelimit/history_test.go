package ratelimit_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
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

// drift is how much faster than the test's clock those of the buckets may go: 500 ppm, which is as far as a clock is slewed.
const drift = 1 + 500e-6

// most is what the invariant allows in a window.
func (v invariant) most(from, to time.Duration) float64 {
	t := (to - from).Seconds()
	most := v.burst + drift*v.rate*(t+v.early.Seconds())
	for _, loss := range v.losses {
		if loss.end >= from-v.early && loss.begin <= to {
			most += v.burst
		}
	}
	if slices.ContainsFunc(v.alone, func(a span) bool { return a.end >= from && a.begin <= to }) {
		most += v.shareBurst + drift*v.shareRate*t
	}
	return most
}

// overrun tells of a window in which more was admitted than the invariant allows, empty when there is none, and how many it looked at:
// each that begins with an admission and ends with one. Others hold no more in a longer time.
//
// A window from a to b holds too much when what it holds, less the bursts for losses in it, plus rate x a is more than burst + rate x b.
// The ends are looked at in their order; a tree keeps the left side of that for each begin and finds the greatest. So it takes n log n
// steps for n admissions.
func (v invariant) overrun(admitted []span) (windows int, overrun string) {
	begins := sortedBegins(admitted)
	begun := func(at time.Duration) int { // the begins that are not after it are the first ones
		n, _ := slices.BinarySearch(begins, at+1)
		return n
	}
	rate, sharedRate := drift*v.rate, drift*(v.rate+v.shareRate)
	apart, shared := newHeights(begins, rate), newHeights(begins, sharedRate)
	raise := func(n int, by float64) {
		apart.raise(n, by)
		shared.raise(n, by)
	}
	losses, alone := byBegin(v.losses), byBegin(v.alone)
	lastAlone := 0 // of the begins of windows in which a server decided alone
	for _, s := range byEnd(admitted) {
		for ; len(losses) > 0 && losses[0].begin <= s.end; losses = losses[1:] {
			raise(begun(losses[0].end+v.early), -v.burst)
		}
		for ; len(alone) > 0 && alone[0].begin <= s.end; alone = alone[1:] {
			lastAlone = max(lastAlone, begun(alone[0].end))
		}
		raise(begun(s.begin), 1)
		n := begun(s.end)
		windows += n
		most := v.burst + rate*(s.end+v.early).Seconds()
		mostShared := v.burst + v.shareBurst + rate*v.early.Seconds() + sharedRate*s.end.Seconds()
		if apart.top(min(lastAlone, n), n) > most+rounding || shared.top(0, min(lastAlone, n)) > mostShared+rounding {
			return windows, v.overrunUntil(s.end, begins, admitted)
		}
	}
	return windows, ""
}

// rounding is the part of a request by which the arithmetic may be wrong.
const rounding = 1e-6

// overrunUntil looks at each window that ends then, one by one.
func (v invariant) overrunUntil(to time.Duration, begins []time.Duration, admitted []span) string {
	for _, from := range begins {
		n := 0
		for _, s := range admitted {
			if s.begin >= from && s.end <= to {
				n++
			}
		}
		if most := v.most(from, to); from <= to && float64(n) > most+rounding {
			return fmt.Sprintf("%d admitted from %v to %v, want at most %.2f", n, from, to, most)
		}
	}
	return ""
}

func byEnd(spans []span) []span {
	return slices.SortedFunc(slices.Values(spans), func(a, b span) int { return cmp.Compare(a.end, b.end) })
}

func byBegin(spans []span) []span {
	return slices.SortedFunc(slices.Values(spans), func(a, b span) int { return cmp.Compare(a.begin, b.begin) })
}

func sortedBegins(spans []span) []time.Duration {
	begins := make([]time.Duration, len(spans))
	for i, s := range byBegin(spans) {
		begins[i] = s.begin
	}
	return begins
}

// heights are numbers in a row of which the first ones are raised together, and the greatest is looked for. They are the leaves of a
// binary tree: by holds what each node was raised by, greatest the greatest number below it.
type heights struct {
	n            int
	by, greatest []float64
}

func newHeights(at []time.Duration, rate float64) *heights {
	n := 1
	for n < len(at) {
		n *= 2
	}
	h := &heights{n: n, by: make([]float64, 2*n), greatest: make([]float64, 2*n)}
	for i := range h.greatest {
		h.greatest[i] = math.Inf(-1)
	}
	for i, t := range at {
		h.greatest[n+i] = rate * t.Seconds()
	}
	for i := n - 1; i > 0; i-- {
		h.greatest[i] = max(h.greatest[2*i], h.greatest[2*i+1])
	}
	return h
}

// raise raises the first n.
func (h *heights) raise(n int, by float64) { h.raiseBelow(1, 0, h.n, n, by) }

func (h *heights) raiseBelow(node, from, to, n int, by float64) {
	switch {
	case n <= from:
		return
	case n >= to:
		h.by[node] += by
		h.greatest[node] += by
		return
	}
	middle := (from + to) / 2
	h.raiseBelow(2*node, from, middle, n, by)
	h.raiseBelow(2*node+1, middle, to, n, by)
	h.greatest[node] = h.by[node] + max(h.greatest[2*node], h.greatest[2*node+1])
}

// top is the greatest of those from first, up to but not last.
func (h *heights) top(first, last int) float64 { return h.topBelow(1, 0, h.n, first, last) }

func (h *heights) topBelow(node, from, to, first, last int) float64 {
	switch {
	case last <= from || to <= first:
		return math.Inf(-1)
	case first <= from && to <= last:
		return h.greatest[node]
	}
	middle := (from + to) / 2
	return h.by[node] + max(h.topBelow(2*node, from, middle, first, last), h.topBelow(2*node+1, middle, to, first, last))
}

// TestOverrunIsFoundAsOneByOne compares with a look at each window of small random histories.
func TestOverrunIsFoundAsOneByOne(t *testing.T) {
	t.Parallel()
	broken := 0
	for seed := range uint64(3000) {
		random := rand.New(rand.NewPCG(seed, 3))
		spans := func(n int) (out []span) {
			for range random.IntN(n) {
				begin := time.Duration(random.IntN(40)) * time.Second / 4
				out = append(out, span{begin, begin + time.Duration(random.IntN(4))*time.Second/4})
			}
			return out
		}
		v := invariant{
			burst: 1 + float64(random.IntN(3)), rate: float64(random.IntN(3)), early: time.Duration(random.IntN(2)) * time.Second,
			losses: spans(3), alone: spans(4), shareBurst: float64(random.IntN(3)), shareRate: float64(random.IntN(2)),
		}
		admitted := spans(25)
		want := ""
		for _, s := range byEnd(admitted) {
			if want = v.overrunUntil(s.end, sortedBegins(admitted), admitted); want != "" {
				broken++
				break
			}
		}
		if _, got := v.overrun(admitted); got != want {
			t.Errorf("seed %d: %+v with %v: %q, want %q", seed, v, admitted, got, want)
		}
	}
	if broken < 500 || broken > 2500 {
		t.Errorf("%d of 3000 break the invariant: the histories show little", broken)
	}
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
		if _, got := test.v.overrun(test.admitted); (got != "") != test.broken {
			t.Errorf("%s: %q, want it broken: %t", name, got, test.broken)
		}
	}
}
