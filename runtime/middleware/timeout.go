package middleware

import (
	"context"
	"fmt"
	"time"
)

// TimeoutError is the cause of the context of a request whose time was over. It tells the end of the time from a client
// that left, which is a context.Canceled.
type TimeoutError struct {
	// After is how much time the request had.
	After time.Duration
}

// Error says how long it took.
func (e *TimeoutError) Error() string { return fmt.Sprintf("the request's %s are over", e.After) }

// Unwrap is context.DeadlineExceeded, so that errors.Is finds it in a cause as well.
func (e *TimeoutError) Unwrap() error { return context.DeadlineExceeded }

// withTimeout bounds the work on a request.
func withTimeout(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, timeout, &TimeoutError{After: timeout})
}
