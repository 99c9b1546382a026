package ratelimit

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/backends"
)

func newLimiter(tb testing.TB, server *backends.RedisServer) *Limiter {
	tb.Helper()
	guard := resilience.NewRedis(resilience.RedisOptions{Address: server.Addr(), Timeout: patience})
	tb.Cleanup(func() { _ = guard.Close() })
	return New(Options{Redis: guard, Service: func() config.Service { return service }})
}

// Several servers take leases of one bucket, as fast as they can: they admit what it holds, no more, and what they do not use comes
// back, so no less.
func TestLeasesNeitherMakeNorLoseTokens(t *testing.T) {
	t.Parallel()
	const burst, servers, callers = 5000, 3, 4
	server := backends.Redis(t)
	all := bucketsOf(ask(1, burst, 1), "alice")
	began := time.Now()
	var admitted, leased atomic.Int64
	var limiters []*Limiter
	for range servers {
		limiters = append(limiters, newLimiter(t, server))
	}
	count := func(l *Limiter) {
		d := l.Take(t.Context(), all)
		if d.Allowed {
			admitted.Add(1)
		}
		if d.Source == SourceLease {
			leased.Add(1)
		}
	}
	var wg sync.WaitGroup
	for _, l := range limiters {
		for range callers {
			wg.Go(func() {
				for range burst / servers / callers * 2 {
					count(l)
				}
			})
		}
	}
	wg.Wait()
	for deadline := time.Now().Add(patience); admitted.Load() < burst; {
		count(limiters[0])
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d are admitted: the rest is lost", admitted.Load(), burst)
		}
	}
	if most := burst + int64(time.Since(began).Minutes()) + 1; admitted.Load() > most {
		t.Errorf("%d are admitted, want at most %d", admitted.Load(), most)
	}
	if leased.Load() == 0 {
		t.Error("nothing was leased")
	}
}

// Without Redis what was leased is used up, and the local share decides from then on.
func TestLeasesEndWithRedis(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	guard := resilience.NewRedis(resilience.RedisOptions{Address: server.Addr()})
	t.Cleanup(func() { _ = guard.Close() })
	l := New(Options{Redis: guard, Service: func() config.Service { return service }})
	all := bucketsOf(ask(1, 1_000_000, 1), "alice")
	for deadline := time.Now().Add(patience); l.Take(t.Context(), all).Source != SourceLease; {
		if time.Now().After(deadline) {
			t.Fatal("nothing is leased")
		}
	}
	server.Kill()
	leased := 0
	for l.Take(t.Context(), all).Source != SourceLocal {
		if leased++; leased > maxLease {
			t.Fatalf("%d are admitted by a lease of %d", leased, maxLease)
		}
	}
}

// A request costs one round trip, whatever its buckets. A lease is asked for with it, so it saves round trips and costs none but for what
// is given back.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	const requests = 900 // fewer than a bucket that is never leased holds
	all := func(burst int) []Bucket {
		return slices.Concat(bucketsOf(ask(1, burst, 1), "alice"), bucketsOf(ask(1, 1_000_000, 1), "tenant", "service"))
	}
	for name, test := range map[string]struct {
		buckets     []Bucket
		least, most int64
	}{
		"one large bucket":            {bucketsOf(ask(1, 1_000_000, 1), "alice"), 1, requests / 2},
		"three large ones":            {all(1_000_000), 1, requests / 2},
		"two beside one never leased": {all(999), requests, requests},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := backends.Redis(t)
			var scripts atomic.Int64
			guard := resilience.NewRedis(resilience.RedisOptions{Address: server.Addr(), Timeout: patience})
			t.Cleanup(func() { _ = guard.Close() })
			l := New(Options{Redis: guard, Service: func() config.Service { return service }})
			l.takes = resilience.NewRedisBatch(guard, "take", func(ctx context.Context, client redis.UniversalClient, takes []*take) []error {
				scripts.Add(1)
				return runScript(ctx, client, takes)
			})
			for range requests {
				l.Take(t.Context(), test.buckets)
			}
			if n := scripts.Load(); n < test.least || n > test.most {
				t.Errorf("%d round trips for %d requests, want from %d to %d", n, requests, test.least, test.most)
			}
		})
	}
}

func TestWhatIsGivenBackIsInTheBucket(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	client, l := newClient(t, server), newLimiter(t, server)
	all := bucketsOf(ask(1, 100, 2), "alice")
	name := key(service, newBucket(all[0], 1))
	for range 10 {
		l.Take(t.Context(), all)
	}
	before := readLevel(t, client, name).tokens
	l.giveBack(all[0], 3)
	if got := readLevel(t, client, name).tokens - before; got < 6*micro || got > 7*micro { // it gains one a minute
		t.Errorf("%d micro-tokens came back of 3 requests that cost 2 each", got)
	}
}
