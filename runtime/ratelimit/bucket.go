package ratelimit

import (
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

// micro is how many micro-tokens make a token. A bucket counts in them, so that it fills evenly without fractions.
const micro = 1_000_000

// most bounds what a limit may say, in tokens. It is far above any limit that limits something, and keeps the products
// below 2^53, which is as far as the integers of a Redis script go: 60 * most * micro = 6e15.
const most = 100_000_000

// Bucket is one that a request takes from: whose it is, and what it grants.
type Bucket struct {
	// Name is whose: of all that share a bucket of the same Limit.Endpoint.
	Name  string
	Limit config.Limit
}

// bucket is a token bucket: what it may hold and how fast it fills. What it holds at a time is a level.
//
// It admits a request of cost c when it holds c tokens. So in any time t it admits at most capacity + rate*t.
type bucket struct {
	Bucket
	// capacity and cost in micro-tokens; capacity is never below cost.
	capacity, cost int64
	// perMinute/share tokens are gained a minute.
	perMinute, share int64
}

// level is what a bucket holds, in micro-tokens, at a time in microseconds since 1970.
type level struct{ tokens, at int64 }

// newBuckets counts in one of share equal parts of each bucket: a part gains 1/share of the tokens and holds 1/share of
// the burst, but at least one request.
func newBuckets(all []Bucket, share int) []bucket {
	out := make([]bucket, len(all))
	for i, b := range all {
		out[i] = newBucket(b, share)
	}
	return out
}

func newBucket(of Bucket, share int) bucket {
	l := of.Limit
	n := int64(max(share, 1))
	cost := clamp(l.Cost)
	burst := max(clamp(l.Burst)/n, 1)
	return bucket{
		Bucket:    of,
		capacity:  max(cost, burst) * micro,
		cost:      cost * micro,
		perMinute: clamp(l.RequestsPerMinute),
		share:     n,
	}
}

func clamp(n int) int64 { return int64(min(max(n, 1), most)) }

// full is the level of a bucket that nobody took from.
func (b bucket) full(now int64) level { return level{tokens: b.capacity, at: now} }

// fill is the level at now. A clock that ran backwards gives nothing. A level from before the limit was changed is cut
// to the capacity.
func (b bucket) fill(l level, now int64) level {
	elapsed := min(max(now-l.at, 0), b.wait(b.capacity))
	return level{tokens: min(b.capacity, l.tokens+elapsed*b.perMinute/(b.share*60)), at: now}
}

// wait is the microseconds in which a bucket gains tokens (micro-tokens), rounded up.
func (b bucket) wait(tokens int64) int64 {
	if tokens <= 0 {
		return 0
	}
	return (tokens*b.share*60 + b.perMinute - 1) / b.perMinute
}

// describe says what a caller should know of the bucket at level l, after a request was admitted or refused.
func (b bucket) describe(l level, allowed bool, source Source) Decision {
	d := Decision{
		Allowed: allowed, Endpoint: b.Limit.Endpoint, Limit: b.Limit.RequestsPerMinute,
		Remaining:  int(l.tokens / b.cost),
		ResetAfter: time.Duration(b.wait(b.capacity-l.tokens)) * time.Microsecond,
		Source:     source,
	}
	if !allowed {
		d.RetryAfter = time.Duration(b.wait(b.cost-l.tokens)) * time.Microsecond
	}
	return d
}
