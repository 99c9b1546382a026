package admissions

import (
	"math"
	"time"
)

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
