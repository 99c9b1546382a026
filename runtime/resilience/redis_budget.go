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

// RedisBudgetLeft is what is left of the budget of the request; false when it has none.
func RedisBudgetLeft(ctx context.Context) (time.Duration, bool) {
	b := budgetOf(ctx)
	if b == nil {
		return 0, false
	}
	return time.Duration(b.left.Load()), true
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
