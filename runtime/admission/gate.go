// Package admission bounds the requests that a server works on at once. When it has more, the least important wait, and are refused,
// first.
package admission

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// ErrFull is why a request is refused: its turn did not come in time, or more important ones wait in its place.
var ErrFull = errors.New("the server has more requests than it works on at once")

// Priority is how important a request is.
type Priority int

// Priorities, from what is refused first. Each may use a part of the turns only, so that long streams leave some to searches, and
// questions that nobody waits for to callers.
const (
	WarmUp Priority = iota
	Stream
	Ask
	Search

	priorities = 4
)

// share is the part of the turns, in percent, beyond which no request of the priority begins.
var share = [priorities]int{WarmUp: 50, Stream: 80, Ask: 90, Search: 100}

// Settings are read for each request.
type Settings struct {
	// MaxInFlight requests are worked on at once, at least 1; as many may wait.
	MaxInFlight int
	// QueueTimeout is how long one waits; 0 for not at all.
	QueueTimeout time.Duration
}

func (s Settings) turns(p Priority) int { return max(1, s.MaxInFlight*share[p]/100) }

// Gate gives out turns. It is safe for concurrent use.
type Gate struct {
	Settings func() Settings

	mu       sync.Mutex
	inFlight int
	waiting  [priorities][]*waiter // each in the order of arrival
	queued   int
}

// waiter is told once: nil for its turn, or ErrFull.
type waiter struct{ told chan error }

// Enter waits for a turn, which Leave gives back. An error is ErrFull or that of ctx; then there is none to give back.
func (g *Gate) Enter(ctx context.Context, p Priority) error {
	settings := g.Settings()
	g.mu.Lock()
	if len(g.waiting[p]) == 0 && g.inFlight < settings.turns(p) {
		g.inFlight++
		g.mu.Unlock()
		return nil
	}
	if settings.QueueTimeout <= 0 || g.queued >= settings.MaxInFlight && !g.refuseBelow(p) {
		g.mu.Unlock()
		return ErrFull
	}
	w := &waiter{told: make(chan error, 1)}
	g.waiting[p] = append(g.waiting[p], w)
	g.queued++
	g.mu.Unlock()
	return g.wait(ctx, w, p, settings.QueueTimeout)
}

func (g *Gate) wait(ctx context.Context, w *waiter, p Priority, timeout time.Duration) error {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	err := ErrFull
	select {
	case told := <-w.told:
		return told
	case <-timer.C:
	case <-ctx.Done():
		err = ctx.Err()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.waiting[p], w)
	if i < 0 {
		return <-w.told // it was told meanwhile
	}
	g.waiting[p] = slices.Delete(g.waiting[p], i, i+1)
	g.queued--
	return err
}

// refuseBelow refuses the last of the least important that wait, if one is less important than p. The mutex is held.
func (g *Gate) refuseBelow(p Priority) bool {
	for lower := range p {
		if n := len(g.waiting[lower]); n > 0 {
			g.waiting[lower][n-1].told <- ErrFull
			g.waiting[lower] = slices.Delete(g.waiting[lower], n-1, n)
			g.queued--
			return true
		}
	}
	return false
}

// Waiting is how many requests wait for their turn.
func (g *Gate) Waiting() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.queued
}

// Leave gives a turn back, and those that are free to who waits.
func (g *Gate) Leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inFlight--
	if g.queued == 0 {
		return
	}
	settings := g.Settings()
	for p := Search; p >= WarmUp; p-- {
		for len(g.waiting[p]) > 0 && g.inFlight < settings.turns(p) {
			g.waiting[p][0].told <- nil
			g.waiting[p] = slices.Delete(g.waiting[p], 0, 1)
			g.queued--
			g.inFlight++
		}
	}
}
