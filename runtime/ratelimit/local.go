package ratelimit

import (
	"sync"
	"time"
)

const (
	// maxLocal bounds the buckets in memory: about 25 MB.
	maxLocal = 100_000
	// sweepEvery is the least time between two looks for buckets that are full and so need not be remembered.
	sweepEvery = time.Second
)

// local keeps buckets in memory. They last from one outage of Redis to the next.
type local struct {
	max int

	mu      sync.Mutex
	buckets map[bucketKey]held
	swept   int64 // when, in microseconds
}

type bucketKey struct{ name, endpoint string }

func keyOf(b Bucket) bucketKey { return bucketKey{b.Name, b.Limit.Endpoint} }

// held is a bucket as it was last taken from.
type held struct {
	bucket
	level
}

func newLocal() *local {
	return &local{max: maxLocal, buckets: map[bucketKey]held{}}
}

// take takes from all of buckets, or from none.
func (l *local) take(buckets []bucket, now int64) Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	levels := make([]level, len(buckets))
	keys := make([]bucketKey, len(buckets))
	allowed := true
	for i, b := range buckets {
		keys[i] = l.place(b, now)
		levels[i] = b.full(now)
		if h, ok := l.buckets[keys[i]]; ok {
			levels[i] = b.fill(h.level, now)
			switch {
			case now < h.at: // the clock ran backwards: fill from here on
				l.buckets[keys[i]] = held{b, levels[i]}
			case h.Limit != b.Limit: // it is full when it is by the limit of now
				l.buckets[keys[i]] = held{b, h.level}
			}
		}
		allowed = allowed && levels[i].tokens >= b.cost
	}
	if allowed {
		for i, b := range buckets {
			levels[i] = level{tokens: levels[i].tokens - b.cost, at: now}
			l.buckets[keys[i]] = held{b, levels[i]}
		}
	}
	return decide(buckets, levels, now, allowed, SourceLocal)
}

// place is where a bucket is kept. When memory is full of buckets that somebody has taken from, callers that are not
// among them share one bucket for each endpoint: that is strict with newcomers, and never gives anybody more.
func (l *local) place(b bucket, now int64) bucketKey {
	k := keyOf(b.Bucket)
	if _, ok := l.buckets[k]; ok || len(l.buckets) < l.max {
		return k
	}
	if now-l.swept >= sweepEvery.Microseconds() || now < l.swept {
		l.swept = now
		for other, h := range l.buckets {
			if h.fill(h.level, now).tokens == h.capacity {
				delete(l.buckets, other)
			}
		}
	}
	if len(l.buckets) < l.max {
		return k
	}
	return bucketKey{"", b.Limit.Endpoint}
}
