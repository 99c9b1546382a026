package resilience

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// batchLinger is how long a call waits for one under way to end, with which the next batch begins. After it a batch
	// begins beside it: a Redis that is far away is asked several times at once, and a connection that hangs holds up
	// nobody else.
	batchLinger = 2 * time.Millisecond
	// maxBatch is the most calls of a batch: what Redis does in about a millisecond, in which it does nothing else.
	maxBatch = 100
)

// RedisBatch makes calls of a kind together, in one round trip, when they come while another is under way. A call that
// comes alone is made at once and alone. Each is bounded, budgeted and told as by Redis.Do. It is safe for concurrent use.
type RedisBatch[T any] struct {
	redis     *Redis
	operation string
	send      func(ctx context.Context, client redis.UniversalClient, calls []T) []error

	mu      sync.Mutex
	waiting []*batchedCall[T]
	// senders are the goroutines that send what waits; lastBegin is when one of them last began to.
	senders   int
	lastBegin time.Time
}

// batchedCall is a call from when it waits until its answer is there.
type batchedCall[T any] struct {
	call  T
	begun bool // guarded by RedisBatch.mu
	done  chan error
}

// NewRedisBatch returns a batch of calls to r that metrics name operation. send makes calls, at least one, and returns an
// error for each, or nil when none failed.
func NewRedisBatch[T any](
	r *Redis, operation string, send func(ctx context.Context, client redis.UniversalClient, calls []T) []error,
) *RedisBatch[T] {
	return &RedisBatch[T]{redis: r, operation: operation, send: send}
}

// Do makes a call, bounded by the budget of ctx's request, by ctx and by RedisOptions.Timeout. An error is one of ErrOpen,
// ErrBusy and ErrRedisSpent, or the call's own. After an error the call may still be under way.
func (b *RedisBatch[T]) Do(ctx context.Context, call T) error {
	guard, budget := b.redis.guard, budgetOf(ctx)
	allowed := budget.bound(b.redis.options.Timeout)
	if allowed < worthwhile {
		guard.Observe(b.operation, OutcomeSpent, 0)
		return ErrRedisSpent
	}
	ctx, span := b.redis.startSpan(ctx, b.operation)
	start := time.Now()
	err := ctx.Err()
	if err == nil {
		err = b.wait(ctx, b.add(call), allowed)
	}
	took := time.Since(start)
	guard.Observe(b.operation, guard.outcome(ctx, err), took)
	budget.spend(took)
	b.redis.endSpan(ctx, span, err)
	return err
}

// add queues a call, and starts a sender when none will send it soon.
func (b *RedisBatch[T]) add(call T) *batchedCall[T] {
	c := &batchedCall[T]{call: call, done: make(chan error, 1)}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = append(b.waiting, c)
	b.startSender()
	return c
}

// startSender is called with the mutex held. It is false when no further call may be under way.
func (b *RedisBatch[T]) startSender() bool {
	if b.senders >= maxCalls {
		return false
	}
	if b.senders == 0 || time.Since(b.lastBegin) >= batchLinger {
		b.senders++
		b.lastBegin = time.Now()
		go b.sendAll()
	}
	return true
}

// wait returns how a call ended. Like a call through Guard.Do it waits at most half of the time allowed for its turn.
func (b *RedisBatch[T]) wait(ctx context.Context, c *batchedCall[T], allowed time.Duration) error {
	turn := allowed / 2
	linger := min(batchLinger, turn)
	if ended, err := b.await(ctx, c, linger); ended {
		return err
	}
	b.mu.Lock()
	queued := !c.begun && !b.startSender()
	b.mu.Unlock()
	if ended, err := b.await(ctx, c, turn-linger); ended {
		return err
	}
	if b.leave(c) {
		return fmt.Errorf("%w: no batch began in %v", ErrBusy, turn)
	}
	if ended, err := b.await(ctx, c, allowed-turn); ended {
		return err
	}
	if queued { // as Guard.Do: its wait may have cost it the time that Redis needs
		return fmt.Errorf("%w: no answer in the rest of %v", ErrBusy, allowed)
	}
	return fmt.Errorf("no answer in %v: %w", allowed, context.DeadlineExceeded)
}

// await waits for the end of a call or of ctx, for some time.
func (b *RedisBatch[T]) await(ctx context.Context, c *batchedCall[T], most time.Duration) (ended bool, err error) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case err := <-c.done:
		return true, err
	case <-ctx.Done():
		b.leave(c)
		return true, ctx.Err()
	case <-timer.C:
		return false, nil
	}
}

// leave takes a call back, unless it has begun.
func (b *RedisBatch[T]) leave(c *batchedCall[T]) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.Index(b.waiting, c)
	if i >= 0 {
		b.waiting = slices.Delete(b.waiting, i, i+1)
	}
	return i >= 0
}

// sendAll makes batches of what waits until nothing does.
func (b *RedisBatch[T]) sendAll() {
	for {
		runtime.Gosched() // what is ready to run may have a call to add
		b.sendBatch()
		b.mu.Lock()
		if len(b.waiting) == 0 {
			b.senders--
			b.mu.Unlock()
			return
		}
		b.lastBegin = time.Now()
		b.mu.Unlock()
	}
}

// sendBatch makes the calls that wait when its turn at the guard comes. Their callers may leave meanwhile, so no request's
// context ends it.
func (b *RedisBatch[T]) sendBatch() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var begun []*batchedCall[T]
	var errs []error
	left := false
	err := b.redis.guard.do(ctx, time.Now().Add(b.redis.options.Timeout), func(ctx context.Context) error {
		var calls []T
		begun, calls = b.begin()
		if left = len(begun) == 0; left { // nothing is asked, and nothing learned
			cancel()
			return ctx.Err()
		}
		errs = b.send(ctx, b.redis.client, calls)
		return firstError(errs)
	})
	if len(begun) == 0 && err != nil && !left { // the guard has made no call: that is the answer to all that wait
		begun, _ = b.begin()
	}
	for i, c := range begun {
		own := err
		if i < len(errs) && (errs[i] == nil || !errors.Is(err, ErrBusy)) {
			own = errs[i]
		}
		c.done <- own
	}
}

// begin takes the calls of the next batch, from here on under way.
func (b *RedisBatch[T]) begin() ([]*batchedCall[T], []T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(len(b.waiting), maxBatch)
	begun := slices.Clone(b.waiting[:n])
	b.waiting = slices.Delete(b.waiting, 0, n)
	calls := make([]T, n)
	for i, c := range begun {
		c.begun, calls[i] = true, c.call
	}
	return begun, calls
}

// firstError is what a batch shows of Redis: one that breaks off fails all calls after the first that it fails.
func firstError(errs []error) error {
	i := slices.IndexFunc(errs, func(err error) bool { return err != nil })
	if i < 0 {
		return nil
	}
	return errs[i]
}
