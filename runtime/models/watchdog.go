package models

import (
	"context"
	"sync/atomic"
	"time"
)

// watchdog ends a context when the first token, or the next one, does not come in time.
type watchdog struct {
	cancel context.CancelCauseFunc
	timer  *time.Timer
	idle   time.Duration
	tokens atomic.Int64
}

func newWatchdog(ctx context.Context, first, idle time.Duration) (context.Context, *watchdog) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watchdog{cancel: cancel, idle: idle}
	w.timer = time.AfterFunc(first, func() {
		if w.sawToken() {
			cancel(errIdle)
		} else {
			cancel(errFirstToken)
		}
	})
	return ctx, w
}

// token tells that one came.
func (w *watchdog) token() {
	w.tokens.Add(1)
	w.timer.Reset(w.idle)
}

func (w *watchdog) sawToken() bool { return w.tokens.Load() > 0 }

func (w *watchdog) stop() {
	w.timer.Stop()
	w.cancel(nil)
}
