package ratelimit

import (
	"sync"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

const (
	// refusalLife is how long a refusal is remembered at most: so long is a caller kept out of a bucket that was given something back, or
	// that Redis has lost.
	refusalLife = time.Second
	// maxRefusals bounds the buckets that are remembered: about 2 MB. Requests for others are asked of Redis one by one.
	maxRefusals = 10_000
)

// refusals are the levels of buckets of which Redis has just refused a request. Until such a bucket can have gained what a request takes,
// Redis would refuse again, so it is not asked: who sends far more than the limit costs Redis a call for each request that is admitted,
// and not for each that is not.
type refusals struct {
	mu       sync.RWMutex
	byBucket map[bucketKey]refusal
	swept    time.Time
}

// refusal is a bucket at level, which is reckoned from before Redis was asked: by this server's clock the bucket has gained what it has by
// that of Redis, or more.
type refusal struct {
	limit config.Limit
	level level
	began time.Time
}

// over says whether it is not to be relied on any more, also because the clock ran backwards.
func (r refusal) over(now time.Time) bool {
	since := now.Sub(r.began)
	return since < 0 || since >= refusalLife
}

func newRefusals() *refusals { return &refusals{byBucket: map[bucketKey]refusal{}} }

// decide refuses a request if one of its buckets is known to hold too little; of several it tells of the longest wait.
func (r *refusals) decide(buckets []Bucket, now time.Time) (refused Decision, decided bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.byBucket) == 0 {
		return Decision{}, false
	}
	for _, of := range buckets {
		known, ok := r.byBucket[keyOf(of)]
		if !ok || known.over(now) || known.limit != of.Limit {
			continue
		}
		b := newBucket(of, 1)
		at := known.began.UnixMicro() + now.Sub(known.began).Microseconds() // also when the clock was set meanwhile
		held := b.fill(known.level, at)
		if held.tokens >= b.cost {
			continue
		}
		if d := b.describe(held, at, false, SourceRefusal); !decided || d.RetryAfter > refused.RetryAfter {
			refused, decided = d, true
		}
	}
	return refused, decided
}

// remember keeps what Redis said of a request that was begun then and refused.
func (r *refusals) remember(t *take, began time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, b := range t.buckets {
		if t.tokens(i) >= b.cost {
			continue
		}
		key := keyOf(b.Bucket)
		if _, known := r.byBucket[key]; !known && !r.room(began) {
			continue
		}
		r.byBucket[key] = refusal{
			limit: b.Limit,
			level: level{tokens: t.tokens(i), at: began.UnixMicro() - t.since(i)},
			began: began,
		}
	}
}

// room says whether one more bucket can be remembered. It looks once a second for those that need not be any longer.
func (r *refusals) room(now time.Time) bool {
	if since := now.Sub(r.swept); since >= sweepEvery || since < 0 {
		r.swept = now
		for key, known := range r.byBucket {
			if known.over(now) {
				delete(r.byBucket, key)
			}
		}
	}
	return len(r.byBucket) < maxRefusals
}

// forget has Redis be asked of a bucket again.
func (r *refusals) forget(b Bucket) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.byBucket, keyOf(b))
}
