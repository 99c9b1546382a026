package opensearch

import (
	"context"
	"errors"
	mathrand "math/rand/v2"
	"net/http"
	"time"
)

// Run makes the indices when they are not there and reads the generation four times a second, until ctx ends. Without it
// no token is ever confirmed. Its errors are in the metrics, in State and with OnHealth.
func (s *Store) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	ensured := false
	health := health{good: time.Now(), tell: s.onHealth}
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		var ensureErr error
		if !ensured {
			ensureErr = s.Ensure(ctx)
			ensured = ensureErr == nil
		}
		pollErr := s.poll(ctx)
		if answered(pollErr, http.StatusNotFound) {
			ensured = false
		}
		health.see(errors.Join(ensureErr, pollErr), time.Now())
		timer.Reset(pollEvery - time.Duration(mathrand.Int64N(int64(pollEvery/5)))) //nolint:gosec // jitter
	}
}

// health makes transitions of what single rounds of Run saw.
type health struct {
	up, down bool // neither before the first transition
	// good is when the last round without an error ended, or Run began.
	good time.Time
	tell func(up bool, err error)
}

func (h *health) see(err error, now time.Time) {
	switch {
	case err == nil:
		h.good = now
		if !h.up {
			h.up, h.down = true, false
			h.tell(true, nil)
		}
	case !h.down && now.Sub(h.good) >= downAfter:
		h.up, h.down = false, true
		h.tell(false, err)
	}
}
