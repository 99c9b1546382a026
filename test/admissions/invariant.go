// Package admissions checks recorded admissions against what docs/rate-limits.md promises: Invariant states it, and Overrun looks for a
// window that breaks it.
package admissions

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Span is when something happened, on the test's clock: somewhere between Begin and End.
type Span struct{ Begin, End time.Duration }

// Invariant is what docs/rate-limits.md promises of one bucket: in any window of time t at most
//
//	burst + rate x (t + early) + burst x losses + (shareBurst + shareRate x t, when a server decided alone)
//
// requests are admitted, by all servers together. Losses are those in the window, and it counts only what certainly happened in it.
type Invariant struct {
	Burst, Rate float64 // Rate in requests a second
	// Early is how long before its admission a request may have left the bucket.
	Early time.Duration
	// Losses are when the store lost its data, Alone when a server decided without the store.
	Losses, Alone         []Span
	ShareBurst, ShareRate float64 // of all servers
}

// drift is how much faster than the test's clock those of the buckets may go: 500 ppm, which is as far as a clock is slewed.
const drift = 1 + 500e-6

// most is what the invariant allows in a window.
func (v Invariant) most(from, to time.Duration) float64 {
	t := (to - from).Seconds()
	most := v.Burst + drift*v.Rate*(t+v.Early.Seconds())
	for _, loss := range v.Losses {
		if loss.End >= from-v.Early && loss.Begin <= to {
			most += v.Burst
		}
	}
	if slices.ContainsFunc(v.Alone, func(a Span) bool { return a.End >= from && a.Begin <= to }) {
		most += v.ShareBurst + drift*v.ShareRate*t
	}
	return most
}

// Overrun tells of a window in which more was admitted than the invariant allows, empty when there is none, and how many it looked at:
// each that begins with an admission and ends with one. Others hold no more in a longer time.
//
// A window from a to b holds too much when what it holds, less the bursts for losses in it, plus rate x a is more than burst + rate x b.
// The ends are looked at in their order; a tree keeps the left side of that for each begin and finds the greatest. So it takes n log n
// steps for n admissions.
func (v Invariant) Overrun(admitted []Span) (windows int, overrun string) {
	begins := sortedBegins(admitted)
	begun := func(at time.Duration) int { // the begins that are not after it are the first ones
		n, _ := slices.BinarySearch(begins, at+1)
		return n
	}
	rate, sharedRate := drift*v.Rate, drift*(v.Rate+v.ShareRate)
	apart, shared := newHeights(begins, rate), newHeights(begins, sharedRate)
	raise := func(n int, by float64) {
		apart.raise(n, by)
		shared.raise(n, by)
	}
	losses, alone := byBegin(v.Losses), byBegin(v.Alone)
	lastAlone := 0 // of the begins of windows in which a server decided alone
	for _, s := range byEnd(admitted) {
		for ; len(losses) > 0 && losses[0].Begin <= s.End; losses = losses[1:] {
			raise(begun(losses[0].End+v.Early), -v.Burst)
		}
		for ; len(alone) > 0 && alone[0].Begin <= s.End; alone = alone[1:] {
			lastAlone = max(lastAlone, begun(alone[0].End))
		}
		raise(begun(s.Begin), 1)
		n := begun(s.End)
		windows += n
		most := v.Burst + rate*(s.End+v.Early).Seconds()
		mostShared := v.Burst + v.ShareBurst + rate*v.Early.Seconds() + sharedRate*s.End.Seconds()
		if apart.top(min(lastAlone, n), n) > most+rounding || shared.top(0, min(lastAlone, n)) > mostShared+rounding {
			return windows, v.overrunUntil(s.End, begins, admitted)
		}
	}
	return windows, ""
}

// rounding is the part of a request by which the arithmetic may be wrong.
const rounding = 1e-6

// overrunUntil looks at each window that ends then, one by one.
func (v Invariant) overrunUntil(to time.Duration, begins []time.Duration, admitted []Span) string {
	for _, from := range begins {
		n := 0
		for _, s := range admitted {
			if s.Begin >= from && s.End <= to {
				n++
			}
		}
		if most := v.most(from, to); from <= to && float64(n) > most+rounding {
			return fmt.Sprintf("%d admitted from %v to %v, want at most %.2f", n, from, to, most)
		}
	}
	return ""
}

func byEnd(spans []Span) []Span {
	return slices.SortedFunc(slices.Values(spans), func(a, b Span) int { return cmp.Compare(a.End, b.End) })
}

func byBegin(spans []Span) []Span {
	return slices.SortedFunc(slices.Values(spans), func(a, b Span) int { return cmp.Compare(a.Begin, b.Begin) })
}

func sortedBegins(spans []Span) []time.Duration {
	begins := make([]time.Duration, len(spans))
	for i, s := range byBegin(spans) {
		begins[i] = s.Begin
	}
	return begins
}
