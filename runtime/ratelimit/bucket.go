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
// It admits a request of cost c when it holds c tokens. So in any time t it admits at most capacity + rate*t. One that gains whole
// tokens drops, with each admission, the part of the next one that had been gained.
type bucket struct {
	Bucket
	// capacity and cost in micro-tokens; capacity is never below cost.
	capacity, cost int64
	// perMinute/share tokens are gained a minute: continuously, or whole, each when its time has passed.
	perMinute, share int64
	whole            bool
}

// level is what a bucket holds, in micro-tokens, at a time in microseconds since 1970. Of one that gains whole tokens the time is
// when it gained the last one, or was taken from.
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
	burst := clamp(l.Burst) / n
	return bucket{
		Bucket:    of,
		capacity:  max(cost, burst) * micro,
		cost:      cost * micro,
		perMinute: clamp(l.RequestsPerMinute),
		share:     n,
		whole:     l.WholeTokens,
	}
}

func clamp(n int) int64 { return int64(min(max(n, 1), most)) }

// full is the level of a bucket that nobody took from.
func (b bucket) full(now int64) level { return level{tokens: b.capacity, at: now} }

// fill is the level at now. A clock that ran backwards gives nothing. A level from before the limit was changed is cut
// to the capacity.
func (b bucket) fill(l level, now int64) level {
	elapsed := min(max(now-l.at, 0), b.wait(b.capacity))
	gained := elapsed * b.perMinute / (b.share * 60)
	if b.whole {
		gained -= gained % micro
		now -= elapsed - b.wait(gained)
	}
	return level{tokens: min(b.capacity, l.tokens+gained), at: now}
}

// wait is the microseconds in which a bucket gains tokens (micro-tokens), rounded up.
func (b bucket) wait(tokens int64) int64 {
	if tokens <= 0 {
		return 0
	}
	return (tokens*b.share*60 + b.perMinute - 1) / b.perMinute
}

// due is the microseconds after now in which a bucket at level l gains tokens (micro-tokens).
func (b bucket) due(tokens int64, l level, now int64) int64 {
	if !b.whole {
		return b.wait(tokens)
	}
	if short := tokens % micro; short > 0 { // of a level from before it gained whole tokens
		tokens += micro - short
	}
	if tokens <= 0 {
		return 0
	}
	return b.wait(tokens) - (now - l.at)
}

// describe says what a caller should know of the bucket at level l, after a request was admitted or refused at now.
func (b bucket) describe(l level, now int64, allowed bool, source Source) Decision {
	d := Decision{
		Allowed: allowed, Endpoint: b.Limit.Endpoint, Limit: b.Limit.RequestsPerMinute,
		Remaining:  int(l.tokens / b.cost),
		ResetAfter: time.Duration(b.due(b.capacity-l.tokens, l, now)) * time.Microsecond,
		Source:     source,
	}
	if !allowed {
		d.RetryAfter = time.Duration(b.due(b.cost-l.tokens, l, now)) * time.Microsecond
	}
	return d
}
