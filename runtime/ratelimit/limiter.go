package ratelimit

import (
	"context"
	"errors"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
)

// Options say where buckets are kept.
type Options struct {
	// Redis keeps the buckets; nil for a server that runs alone and keeps them itself.
	Redis *resilience.Redis
	// Service is read for each decision: its names are part of every key, its replicas the shares during an outage.
	Service func() config.Service
	// OnFailure is read when Redis is lost: whether this server's share decides, nobody is limited, or nobody is admitted; nil for the
	// share.
	OnFailure func() config.StoreFailure
	// Now is the clock of buckets in memory, of leases and of refusals; nil for time.Now. Those in Redis go by Redis's clock.
	Now func() time.Time
}

// Limiter decides whether requests may be made. It is safe for concurrent use.
type Limiter struct {
	options Options
	local   *local
	takes   *resilience.RedisBatch[*take] // nil without Redis
	leases  *leases
	refused *refusals
}

// New returns a Limiter whose buckets in memory are full.
func New(o Options) *Limiter {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.OnFailure == nil {
		o.OnFailure = func() config.StoreFailure { return config.StoreFailureLocal }
	}
	l := &Limiter{options: o, local: newLocal(), leases: newLeases(), refused: newRefusals()}
	if o.Redis != nil {
		l.takes = newTakes(o.Redis)
	}
	return l
}

// Take takes a request's cost from each of its buckets, which are at least one, unless one of them holds less: then the
// request is refused and nothing is taken. It always decides, within the request's Redis budget
// (resilience.WithRedisBudget), also when ctx ends.
func (l *Limiter) Take(ctx context.Context, buckets []Bucket) Decision {
	if l.takes == nil {
		return l.takeLocal(buckets, 1)
	}
	now := l.options.Now()
	if decision, decided := l.refused.decide(buckets, now); decided {
		return decision
	}
	decision, decided, ask := l.leases.take(buckets, now)
	if decided {
		return decision
	}
	service := l.options.Service()
	t := newTake(service, newBuckets(buckets, 1), ask)
	// Who leaves is decided about as who stays: else the share of the server could be had by leaving, and leases be lost.
	err := l.takes.Do(context.WithoutCancel(ctx), t)
	l.leases.hold(t, now, err != nil, l.giveBack)
	switch {
	case err == nil:
		if !t.admitted() {
			l.refused.remember(t, now)
		}
		return t.decision()
	case errors.Is(err, resilience.ErrBusy):
		return Decision{
			Endpoint:   buckets[0].Limit.Endpoint,
			Limit:      buckets[0].Limit.RequestsPerMinute,
			RetryAfter: busyFor,
			Source:     SourceBusy,
		}
	case errors.Is(err, resilience.ErrRedisSpent) && l.options.Redis.Health() != resilience.HealthDown:
		// The cache has taken the request's time; this Redis is not lost.
		return l.takeLocal(buckets, service.Replicas)
	default: // told by the Redis guard's own metric
		return l.takeWithout(buckets, service.Replicas)
	}
}

// without is a decision that looks at no bucket.
func without(buckets []Bucket, allowed bool) Decision {
	return Decision{
		Allowed: allowed, Endpoint: buckets[0].Limit.Endpoint, Limit: buckets[0].Limit.RequestsPerMinute, Source: SourceNone,
	}
}

// takeWithout decides without Redis.
func (l *Limiter) takeWithout(buckets []Bucket, replicas int) Decision {
	switch l.options.OnFailure() {
	case config.StoreFailureAllow:
		return without(buckets, true)
	case config.StoreFailureDeny:
		d := without(buckets, false)
		d.RetryAfter = lostFor
		return d
	default:
		return l.takeLocal(buckets, replicas)
	}
}

// giveBack gives leased requests back to their bucket: it takes a negative cost. When that fails, the bucket gains them again in time.
func (l *Limiter) giveBack(of Bucket, requests int64) {
	b := newBucket(of, 1)
	b.cost *= -requests
	_ = l.takes.Do(context.Background(), newTake(l.options.Service(), []bucket{b}, nil))
	l.refused.forget(of)
}

// takeLocal takes from buckets in memory: from one of share parts of what each grants.
func (l *Limiter) takeLocal(buckets []Bucket, share int) Decision {
	return l.local.take(newBuckets(buckets, share), l.options.Now().UnixMicro())
}
