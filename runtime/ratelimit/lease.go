package ratelimit

import (
	"sync"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

const (
	// leaseLife is how long requests may be held in advance. What is left of them then is given back.
	leaseLife = 100 * time.Millisecond
	// leasePart is the part of a burst that a server may hold: at most 1/leasePart of it. A smaller burst than that is never leased.
	leasePart = 1000
	// maxLease is the most requests of a lease.
	maxLease = 256
	// maxLeases bounds the buckets of which something is remembered: about 3 MB. Beyond it newcomers are decided one by one.
	maxLeases = 10_000
)

// leases are requests that this server took from buckets in Redis in advance, because many more were about to come: these are
// decided here, without asking Redis. They have left the buckets, so all servers together never admit more than a bucket grants;
// but a request may be admitted up to leaseLife after its tokens were taken.
type leases struct {
	mu       sync.Mutex
	byBucket map[bucketKey]*lease
	swept    time.Time
}

// lease is what is known here of a bucket.
type lease struct {
	limit config.Limit
	// left requests may be admitted until ends. The bucket is at level, without them.
	left  int64
	ends  time.Time
	level level
	// asking says that more is being asked for.
	asking bool
	// used requests came since window began, before in the window before it. A window is as long as a lease lives.
	window       time.Time
	used, before int64
}

func newLeases() *leases { return &leases{byBucket: map[bucketKey]*lease{}} }

// leasable is the most requests that may be leased of a bucket; 0 for most, and for those that gain whole tokens: a lease is no admission.
func leasable(l config.Limit) int64 {
	if l.WholeTokens {
		return 0
	}
	return min(maxLease, clamp(l.Burst)/(leasePart*clamp(l.Cost)))
}

// take decides a request by what was leased, if there is a lease for each of its buckets. Otherwise it says of how many requests of
// each bucket a lease is to be asked for; nil for none.
func (l *leases) take(buckets []Bucket, now time.Time) (decision Decision, decided bool, ask []int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	decided = true
	for _, b := range buckets {
		s := l.of(b, now)
		if s == nil { // a lease of the other buckets would decide nothing
			return Decision{}, false, nil
		}
		s.count(now)
		decided = decided && s.holds(b, now)
	}
	if !decided {
		return Decision{}, false, l.ask(buckets)
	}
	for i, b := range buckets {
		s := l.byBucket[keyOf(b)]
		s.left--
		whole := newBucket(b, 1)
		at := whole.fill(s.level, now.UnixMicro())
		at.tokens = min(whole.capacity, at.tokens+s.left*whole.cost)
		if d := whole.describe(at, now.UnixMicro(), true, SourceLease); i == 0 || d.Remaining < decision.Remaining {
			decision = d
		}
	}
	return decision, true, nil
}

// of is what is known of a bucket; nil when it is never leased, or when memory is full.
func (l *leases) of(b Bucket, now time.Time) *lease {
	key := keyOf(b)
	s, known := l.byBucket[key]
	if known || leasable(b.Limit) == 0 {
		return s
	}
	if len(l.byBucket) >= maxLeases {
		l.sweep(now)
		if len(l.byBucket) >= maxLeases {
			return nil
		}
	}
	s = &lease{window: now}
	l.byBucket[key] = s
	return s
}

// sweep forgets buckets that nobody took from for a while; it looks once a second.
func (l *leases) sweep(now time.Time) {
	if now.Sub(l.swept) < sweepEvery {
		return
	}
	l.swept = now
	for key, s := range l.byBucket {
		if s.left == 0 && !s.asking && now.Sub(s.window) > 2*leaseLife {
			delete(l.byBucket, key)
		}
	}
}

// count counts a request that came now.
func (s *lease) count(now time.Time) {
	if since := now.Sub(s.window); since >= leaseLife {
		s.before = 0
		if since < 2*leaseLife {
			s.before = s.used
		}
		s.window, s.used = now, 0
	}
	s.used++
}

func (s *lease) holds(b Bucket, now time.Time) bool {
	return s.left > 0 && now.Before(s.ends) && s.limit == b.Limit
}

// ask is half of what came in a window, so that most of a lease is used before it ends.
func (l *leases) ask(buckets []Bucket) (ask []int64) {
	for i, b := range buckets {
		s := l.byBucket[keyOf(b)]
		if s == nil || s.asking || s.left > 0 {
			continue // one that ended is given back first
		}
		n := min(leasable(b.Limit), max(s.used, s.before)/2)
		if n == 0 {
			continue
		}
		if ask == nil {
			ask = make([]int64, len(buckets))
		}
		ask[i], s.asking = n, true
	}
	return ask
}

// hold keeps what was asked for and given, none of it when the call failed. It ends after leaseLife: then giveBack is called with what
// is left.
func (l *leases) hold(t *take, began time.Time, failed bool, giveBack func(Bucket, int64)) {
	if t.ask == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, b := range t.buckets {
		if t.ask[i] == 0 {
			continue
		}
		s := l.byBucket[keyOf(b.Bucket)]
		s.asking = false
		if failed || t.leased(i) == 0 {
			continue
		}
		s.limit, s.left, s.ends = b.Limit, t.leased(i), began.Add(leaseLife)
		s.level = level{tokens: t.tokens(i), at: began.UnixMicro()}
		ends := s.ends
		time.AfterFunc(leaseLife, func() {
			if left := l.end(s, ends); left > 0 {
				giveBack(b.Bucket, left)
			}
		})
	}
}

// end takes what is left of the lease that ends then: once it is used up, another may have taken its place.
func (l *leases) end(s *lease, ends time.Time) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.ends != ends {
		return 0
	}
	left := s.left
	s.left = 0
	return left
}
