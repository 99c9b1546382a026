package opensearch

import (
	"context"
	"errors"
	mathrand "math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// Run makes the indices when they are not there, reads the control document four times a second, renews the changes of
// this replica and closes abandoned ones, rebuilds an index of another analyser or number of shards, keeps as many copies
// of it as are wanted, and clears up after rebuilds that were killed, until ctx ends. Without it no token is ever
// confirmed. Its errors are in the metrics, in State and with OnHealth.
func (s *Store) Run(ctx context.Context) {
	var changes sync.WaitGroup
	changes.Go(func() { s.runChanges(ctx) })
	changes.Go(func() { s.runRebuild(ctx) })
	changes.Go(func() { s.runLeftovers(ctx) })
	changes.Go(func() { s.runCopies(ctx) })
	defer changes.Wait()
	s.runPolls(ctx)
}

// runChanges renews changes four times in the time after which others count them as abandoned, and closes those that are.
// It is apart from the polls, which must not wait for a refresh.
func (s *Store) runChanges(ctx context.Context) {
	for pause(ctx, s.abandonedAfter/4) == nil {
		_ = s.renewChanges(ctx) // as of closing: what fails is tried again, and told by the polls
		_ = s.closeAbandoned(ctx)
	}
}

func (s *Store) runPolls(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	ensured := false
	health := health{good: time.Now(), notify: s.onHealth}
	var trial trial
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		var ensureErr error
		if !ensured {
			if ensureErr = s.Ensure(ctx); ensureErr == nil {
				ensureErr = trial.search(ctx, s)
			}
			ensured = ensureErr == nil
		}
		pollErr := s.poll(ctx, ensureErr)
		if answered(pollErr, http.StatusNotFound) {
			ensured = false
		}
		if err := errors.Join(ensureErr, pollErr); err != nil || s.current.Load() { // else the index is being rebuilt
			health.see(err, time.Now())
		}
		timer.Reset(pollEvery - time.Duration(mathrand.Int64N(int64(pollEvery/5)))) //nolint:gosec // jitter
	}
}

// health makes transitions of what single rounds of Run saw.
type health struct {
	up, down bool // neither before the first transition
	// good is when the last round without an error ended, or Run began.
	good   time.Time
	notify func(up bool, err error)
}

func (h *health) see(err error, now time.Time) {
	switch {
	case err == nil:
		h.good = now
		if !h.up {
			h.up, h.down = true, false
			h.notify(true, nil)
		}
	case !h.down && now.Sub(h.good) >= downAfter:
		h.up, h.down = false, true
		h.notify(false, err)
	}
}

// trialPatience is how long indices that are there may not be searched before they are used all the same: what is lost of them may stay so, and
// results that are cached, documents and errors that say what is wrong are better than no server.
const trialPatience = 30 * time.Second

// trial tells indices that are there from those that can be searched in a fifth of the time that a request has: an OpenSearch that has just
// started is still opening shards, and slow.
type trial struct {
	began time.Time // zero before the first
}

func (t *trial) search(ctx context.Context, s *Store) error {
	if t.began.IsZero() {
		t.began = time.Now()
	}
	soon, cancel := context.WithTimeout(ctx, s.timeout/5)
	defer cancel()
	_, err := s.search(soon, "search", searchBody(rag.KeywordQuery{Size: 1}, s.analyser.Query("trial")), false)
	if err == nil || time.Since(t.began) > trialPatience {
		*t = trial{}
		return nil
	}
	return err
}
