package models

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/openai/openai-go/v3"
)

const (
	// attemptTime is what an attempt needs at least: a wait that leaves less is not begun.
	attemptTime = time.Second
	// retryBurst retries may be made at once; each request earns a fifth of one. So a model that fails gets at most 1.2 times the
	// requests of one that does not, after the first ten.
	retryBurst    = 10
	retriesEarned = 0.2
)

// retryBudget bounds the retries of all requests together, so that they do not keep down a server that cannot bear more.
type retryBudget struct {
	mu    sync.Mutex
	spent float64
}

// earn is called for each request.
func (b *retryBudget) earn() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spent = max(0, b.spent-retriesEarned)
}

// take says whether a retry may be made, and counts it.
func (b *retryBudget) take() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.spent+1 > retryBurst {
		return false
	}
	b.spent++
	return true
}

// waitToRetry says whether another attempt is due after err, and waits for it.
func (g *OpenAI) waitToRetry(ctx context.Context, attempt int, err error, deadline time.Time) bool {
	limits := g.Resilience().OrDefault()
	if attempt >= limits.Retries || ctx.Err() != nil || !retryable(err) {
		return false
	}
	wait := limits.InitialBackoff.D() << attempt
	// A quarter of jitter, so that replicas do not ask at the same moment.
	wait += time.Duration(rand.Int64N(int64(wait) / 4)) //nolint:gosec // nobody gains by guessing it
	if api, ok := errors.AsType[*openai.Error](err); ok {
		wait = max(wait, retryAfter(api.Response))
	}
	if time.Now().Add(wait+attemptTime).After(deadline) || !g.retries.take() {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// retryable says whether the request was surely not answered: the connection failed, or the server asks to come again.
func retryable(err error) bool {
	if api, ok := errors.AsType[*openai.Error](err); ok {
		switch api.StatusCode {
		case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable:
			return true
		}
		return false
	}
	var transport interface{ Temporary() bool } // *url.Error: the request got no answer
	return errors.As(err, &transport) && !errors.Is(err, errRedirect)
}

// retryAfter is the server's advice in seconds; 0 for none or one that is a date.
func retryAfter(r *http.Response) time.Duration {
	if r == nil {
		return 0
	}
	seconds, err := strconv.Atoi(r.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, 3600)) * time.Second
}
