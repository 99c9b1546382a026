package ratelimit

import (
	"context"
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
	// Now is the clock of buckets in memory; nil for time.Now. Those in Redis go by Redis's clock.
	Now func() time.Time
}

// Limiter decides whether requests may be made. It is safe for concurrent use.
type Limiter struct {
	options Options
	local   *local
}

// New returns a Limiter whose buckets in memory are full.
func New(o Options) *Limiter {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Limiter{options: o, local: newLocal()}
}

// Take takes a request's cost from the bucket of caller on the endpoint of l, unless it holds less: then the request is
// refused and nothing is taken. It always decides, within the request's Redis budget (resilience.WithRedisBudget).
func (l *Limiter) Take(ctx context.Context, caller string, limit config.Limit) Decision {
	service := l.options.Service()
	if l.options.Redis == nil {
		return l.takeLocal(caller, limit, 1)
	}
	decision, err := takeRedis(ctx, l.options.Redis, service, []bucket{newBucket(caller, limit, 1)})
	if err != nil { // told by the Redis guard's own metric; the answer is this server's share
		return l.takeLocal(caller, limit, service.Replicas)
	}
	return decision
}

// takeLocal takes from a bucket in memory: one of share parts of what limit grants.
func (l *Limiter) takeLocal(caller string, limit config.Limit, share int) Decision {
	return l.local.take([]bucket{newBucket(caller, limit, share)}, l.options.Now().UnixMicro())
}
