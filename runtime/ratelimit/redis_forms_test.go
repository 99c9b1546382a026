package ratelimit_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/ratelimit"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/backends"
)

const (
	formServers   = 2
	formPerMinute = 600
	formBurst     = 500
)

// storm is what several servers decide while something happens to their Redis.
type storm struct {
	guards   []*resilience.Redis
	limiters []*ratelimit.Limiter
	admitted atomic.Int64
	// here counts decisions without Redis, of these admittedHere.
	here, admittedHere, byRedis atomic.Int64
	start                       time.Time
	stopped                     chan struct{}
	running                     sync.WaitGroup
}

// newStorm lets servers admit requests of the same buckets as fast as they can.
func newStorm(t *testing.T, o resilience.RedisOptions, buckets []ratelimit.Bucket) *storm {
	t.Helper()
	s := &storm{start: time.Now(), stopped: make(chan struct{})}
	o.Key = ratelimit.Prefix(replicas(formServers)())
	for range formServers {
		guard := resilience.NewRedis(o)
		t.Cleanup(func() { _ = guard.Close() })
		until(t, "up", func() bool { return guard.Health() == resilience.HealthUp })
		s.guards = append(s.guards, guard)
		s.limiters = append(s.limiters, ratelimit.New(ratelimit.Options{Redis: guard, Service: replicas(formServers)}))
	}
	for _, l := range s.limiters {
		for range 2 {
			s.running.Go(func() {
				for {
					select {
					case <-s.stopped:
						return
					case <-t.Context().Done():
						return
					default:
						if !s.count(l.Take(t.Context(), buckets)) {
							time.Sleep(time.Millisecond) // leaves the machine to those who elect a primary
						}
					}
				}
			})
		}
	}
	return s
}

func (s *storm) count(d ratelimit.Decision) (fromRedis bool) {
	fromRedis = d.Source == ratelimit.SourceRedis
	switch {
	case fromRedis:
		s.byRedis.Add(1)
	case d.Source != ratelimit.SourceRefusal: // which says what Redis has said
		s.here.Add(1)
	}
	if d.Allowed {
		s.admitted.Add(1)
		if !fromRedis {
			s.admittedHere.Add(1)
		}
	}
	return fromRedis
}

// goOn waits until Redis has decided more.
func (s *storm) goOn(t *testing.T) {
	t.Helper()
	before := s.byRedis.Load()
	until(t, "decisions by redis", func() bool { return s.byRedis.Load() > before+100 })
}

// end stops the storm and holds it to burst + rate*t, with the bursts of that many losses of the store's data and, where there may have
// been decisions without Redis, the local share of all servers.
func (s *storm) end(t *testing.T, losses int64, local bool) {
	t.Helper()
	close(s.stopped)
	s.running.Wait()
	rate := int64(formPerMinute*time.Since(s.start).Minutes()) + 1
	most := formBurst*(1+losses) + rate
	if local {
		most += formBurst + rate
	} else if got := s.here.Load(); got != 0 {
		t.Errorf("%d decisions without redis", got)
	}
	if got := s.admitted.Load(); got > most || got < formBurst {
		t.Errorf("%d admitted, want from %d to %d", got, formBurst, most)
	}
	t.Logf("%d admitted of at most %d (%d without Redis), %d decisions by Redis, %d without, in %v", s.admitted.Load(), most,
		s.admittedHere.Load(), s.byRedis.Load(), s.here.Load(), time.Since(s.start).Round(time.Millisecond))
}

func formLimit() config.Limit { return limit(formPerMinute, formBurst) }

// TestBucketsMoveWithTheirSlot moves the slot of a service's buckets between the nodes of a Cluster while servers take from them.
func TestBucketsMoveWithTheirSlot(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		buckets []ratelimit.Bucket
		// local says that a request may find its buckets on two nodes, where no script can run.
		local bool
	}{
		"one bucket":      {of("alice", formLimit()), false},
		"several buckets": {append(of("alice", formLimit()), append(of("tenant", formLimit()), of("service", formLimit())...)...), true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := backends.NewRedisCluster(t, false)
			slot := b.Slot(ratelimit.Prefix(replicas(formServers)()))
			s := newStorm(t, resilience.RedisOptions{Cluster: b.Addresses(), Timeout: patience}, test.buckets)
			s.goOn(t)
			home := b.Owner(slot)
			for _, to := range append(b.Primaries, home) {
				if to != b.Owner(slot) {
					b.Move(slot, to, time.Millisecond)
					s.goOn(t)
				}
			}
			s.end(t, 0, test.local)
		})
	}
}

// TestBucketsOfAFailover kills the primary: what it had not yet told its replica of is lost with it, which counts as a loss of the store's
// data; and until the replica is in its place, servers decide by their share.
func TestBucketsOfAFailover(t *testing.T) {
	t.Parallel()
	t.Run("by sentinels", func(t *testing.T) {
		t.Parallel()
		b := backends.RedisWithSentinels(t)
		s := newStorm(t, resilience.RedisOptions{
			Sentinel: &resilience.Sentinel{Addresses: b.Addresses(), MasterName: backends.SentinelMaster},
		}, of("alice", formLimit()))
		s.failOver(t, b.Servers[0])
	})
	t.Run("of a cluster", func(t *testing.T) {
		t.Parallel()
		b := backends.NewRedisCluster(t, true)
		s := newStorm(t, resilience.RedisOptions{Cluster: b.Addresses()}, of("alice", formLimit()))
		s.failOver(t, b.Owner(b.Slot(ratelimit.Prefix(replicas(formServers)()))))
	})
}

func (s *storm) failOver(t *testing.T, primary *backends.RedisServer) {
	t.Helper()
	until(t, "the bucket is empty", func() bool { return s.byRedis.Load() > 2*formBurst })
	primary.Kill()
	for _, guard := range s.guards {
		until(t, "down", func() bool { return guard.Health() == resilience.HealthDown })
	}
	without := s.here.Load()
	until(t, "decisions without redis", func() bool { return s.here.Load() > without })
	s.goOn(t)
	s.end(t, 1, true)
}
