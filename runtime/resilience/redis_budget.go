package resilience

import (
	"context"
	"sync/atomic"
	"time"
)

// RedisBudget is the most that one request waits for Redis, over all its calls: the limits, and a lookup for each kind
// of result. Calls take well under a millisecond; 60 ms is what a request can lose without a person noticing.
const RedisBudget = 60 * time.Millisecond

// worthwhile is the least time with which a call is begun: with less it would fail and say nothing about Redis.
const worthwhile = time.Millisecond

type budgetKey struct{}

// budget is what is left of a request's RedisBudget, in nanoseconds.
type budget struct{ left atomic.Int64 }

// WithRedisBudget starts the budget of a request. Every call to either Redis instance under the returned context takes
// from it; a call that finds it spent is not made. Without it each call is bounded on its own.
func WithRedisBudget(ctx context.Context) context.Context {
	b := &budget{}
	b.left.Store(int64(RedisBudget))
	return context.WithValue(ctx, budgetKey{}, b)
}

// WithoutRedisBudget is for work that no lookup waits for, such as unlinking what a deletion must not leave behind: each
// call is bounded on its own.
func WithoutRedisBudget(ctx context.Context) context.Context {
	return context.WithValue(ctx, budgetKey{}, (*budget)(nil))
}

// CopyRedisBudget is for a call that several requests wait for, each through WaitWithinRedisBudget: the call is bounded by
// what is left of ctx's budget now, and takes nothing from it.
func CopyRedisBudget(ctx context.Context) context.Context {
	b := budgetOf(ctx)
	if b == nil {
		return ctx
	}
	own := &budget{}
	own.left.Store(b.left.Load())
	return context.WithValue(ctx, budgetKey{}, own)
}

// WaitWithinRedisBudget waits until done is closed, by who makes the call, or ctx ends. The wait takes from the budget of
// ctx's request; it is false when that was gone before either. A request without a budget waits as long as the call does.
func WaitWithinRedisBudget(ctx context.Context, done <-chan struct{}) bool {
	b := budgetOf(ctx)
	var spent <-chan time.Time
	if b != nil {
		left := time.Duration(b.left.Load())
		if left < worthwhile {
			return false
		}
		timer := time.NewTimer(left)
		defer timer.Stop()
		spent = timer.C
	}
	start := time.Now()
	defer func() { b.spend(time.Since(start)) }()
	select {
	case <-done:
	case <-ctx.Done():
	case <-spent:
		return false
	}
	return true
}

// budgetOf is the budget of the request, nil when it has none.
func budgetOf(ctx context.Context) *budget {
	b, _ := ctx.Value(budgetKey{}).(*budget)
	return b
}

// bound is how long a call that may take most is allowed.
func (b *budget) bound(most time.Duration) time.Duration {
	if b == nil {
		return most
	}
	return min(most, time.Duration(b.left.Load()))
}

func (b *budget) spend(took time.Duration) {
	if b != nil {
		b.left.Add(-int64(took))
	}
}
