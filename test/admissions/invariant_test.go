package admissions

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// TestOverrunIsFoundAsOneByOne compares with a look at each window of small random histories.
func TestOverrunIsFoundAsOneByOne(t *testing.T) {
	t.Parallel()
	broken := 0
	for seed := range uint64(3000) {
		random := rand.New(rand.NewPCG(seed, 3))
		spans := func(n int) (out []Span) {
			for range random.IntN(n) {
				begin := time.Duration(random.IntN(40)) * time.Second / 4
				out = append(out, Span{begin, begin + time.Duration(random.IntN(4))*time.Second/4})
			}
			return out
		}
		v := Invariant{
			Burst: 1 + float64(random.IntN(3)), Rate: float64(random.IntN(3)), Early: time.Duration(random.IntN(2)) * time.Second,
			Losses: spans(3), Alone: spans(4), ShareBurst: float64(random.IntN(3)), ShareRate: float64(random.IntN(2)),
		}
		admitted := spans(25)
		want := ""
		for _, s := range byEnd(admitted) {
			if want = v.overrunUntil(s.End, sortedBegins(admitted), admitted); want != "" {
				broken++
				break
			}
		}
		if _, got := v.Overrun(admitted); got != want {
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
	at := func(n int, seconds float64) []Span { // n requests
		d := time.Duration(seconds * float64(time.Second))
		return slices.Repeat([]Span{{d, d}}, n)
	}
	during := func(begin, end float64) []Span {
		return []Span{{at(1, begin)[0].Begin, at(1, end)[0].End}}
	}
	plain := Invariant{Burst: 10, Rate: 1}
	lossy, early, shared := plain, plain, plain
	lossy.Losses = during(4, 5)
	early.Early = 2 * time.Second
	shared.Alone, shared.ShareBurst, shared.ShareRate = during(4, 5), 9, 1
	tests := map[string]struct {
		v        Invariant
		admitted []Span
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
		if _, got := test.v.Overrun(test.admitted); (got != "") != test.broken {
			t.Errorf("%s: %q, want it broken: %t", name, got, test.broken)
		}
	}
}
