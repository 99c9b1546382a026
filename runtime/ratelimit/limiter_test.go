package ratelimit_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/ratelimit"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// patience is how long a test lets a call or an event take: far longer than it does, since other work may hold the
// machine.
const patience = 2 * time.Minute

func limit(perMinute, burst int) config.Limit {
	return config.Limit{Endpoint: "ask", Tier: "free", RequestsPerMinute: perMinute, Burst: burst, Cost: 1}
}

// of is a request that takes from one bucket.
func of(name string, l config.Limit) []ratelimit.Bucket {
	return []ratelimit.Bucket{{Name: name, Limit: l}}
}

func replicas(n int) func() config.Service {
	return func() config.Service { return config.Service{Namespace: "default", Name: "docs", Replicas: n} }
}

// redisLimiter is a server's limiter. timeout bounds its calls; 0 for the real bound.
func redisLimiter(tb testing.TB, server *backends.RedisServer, n int, timeout time.Duration) *ratelimit.Limiter {
	tb.Helper()
	guard := resilience.NewRedis(resilience.RedisOptions{Address: server.Addr(), Timeout: timeout})
	tb.Cleanup(func() { _ = guard.Close() })
	return ratelimit.New(ratelimit.Options{Redis: guard, Service: replicas(n)})
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

func TestLimiterAlone(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	l := ratelimit.New(ratelimit.Options{Service: replicas(3), Now: func() time.Time { return now }})
	for i := range 10 {
		if !l.Take(t.Context(), of("alice", limit(10, 10))).Allowed {
			t.Fatalf("request %d was refused", i)
		}
	}
	want := ratelimit.Decision{
		Endpoint: "ask", Limit: 10, ResetAfter: time.Minute, RetryAfter: 6 * time.Second,
		Source: ratelimit.SourceLocal,
	}
	if diff := cmp.Diff(want, l.Take(t.Context(), of("alice", limit(10, 10)))); diff != "" {
		t.Errorf("the eleventh request (-want +got):\n%s", diff)
	}
	now = now.Add(want.RetryAfter)
	if d := l.Take(t.Context(), of("alice", limit(10, 10))); !d.Allowed {
		t.Errorf("after the wait: %+v", d)
	}
}

func TestLimiterFollowsALimitThatChanges(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	l := redisLimiter(t, server, 1, patience)
	steps := []struct {
		limit     config.Limit
		remaining int
	}{
		{limit(1, 100), 99},
		{limit(1, 10), 9},   // lowered: at most what the new bucket holds
		{limit(1, 1000), 8}, // raised: it fills from where it is
	}
	for i, s := range steps {
		d := l.Take(t.Context(), of("alice", s.limit))
		if !d.Allowed || d.Remaining != s.remaining || d.Source != ratelimit.SourceRedis {
			t.Errorf("step %d: %+v, want %d remaining in redis", i, d, s.remaining)
		}
	}
}

// TestLimitersShareTheirBuckets lets several servers admit as fast as they can, and holds them to burst + rate*t by
// Redis's own clock.
func TestLimitersShareTheirBuckets(t *testing.T) {
	t.Parallel()
	const perMinute, burst, servers, callers, requests = 6000, 50, 4, 8, 100
	server := backends.Redis(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { _ = client.Close() })
	clock := func() time.Time {
		now, err := client.Time(t.Context()).Result()
		if err != nil {
			t.Fatal(err)
		}
		return now
	}
	var admitted, elsewhere atomic.Int64
	var wg sync.WaitGroup
	start := clock()
	for range servers {
		l := redisLimiter(t, server, servers, patience)
		for range callers {
			wg.Go(func() {
				for range requests {
					d := l.Take(t.Context(), of("alice", limit(perMinute, burst)))
					if d.Source != ratelimit.SourceRedis && d.Source != ratelimit.SourceRefusal {
						elsewhere.Add(1)
					}
					if d.Allowed {
						admitted.Add(1)
					}
				}
			})
		}
	}
	wg.Wait()
	most := int64(burst + perMinute*clock().Sub(start).Minutes())
	if got := admitted.Load(); got > most || got < burst {
		t.Errorf("%d admitted, want from %d to %d", got, burst, most)
	}
	if got := elsewhere.Load(); got != 0 {
		t.Errorf("%d decisions without redis", got)
	}
}

// TestBusyServerAdmitsNobodyFromItsShare has all calls to Redis under way that a server makes at once. A request whose
// turn does not come is refused: Redis is not lost, and its buckets are empty or not, which nobody has looked at.
func TestBusyServerAdmitsNobodyFromItsShare(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	guard := resilience.NewRedis(resilience.RedisOptions{Address: server.Addr(), Timeout: patience})
	t.Cleanup(func() { _ = guard.Close() })
	l := ratelimit.New(ratelimit.Options{Redis: guard, Service: replicas(1)})
	release := make(chan struct{})
	var entered atomic.Int64
	var wg sync.WaitGroup
	for range 100 { // more than are made at once: the others wait
		wg.Go(func() {
			_ = guard.Do(t.Context(), "hold", func(context.Context, redis.UniversalClient) error {
				entered.Add(1)
				<-release
				return nil
			})
		})
	}
	take := func(ctx context.Context) ratelimit.Decision { return l.Take(ctx, of("alice", limit(60, 60))) }
	until(t, "all turns are taken", func() bool {
		return entered.Load() > 0 && take(resilience.WithRedisBudget(t.Context())).Source == ratelimit.SourceBusy
	})
	for range 20 {
		want := ratelimit.Decision{Endpoint: "ask", Limit: 60, RetryAfter: time.Second, Source: ratelimit.SourceBusy}
		if diff := cmp.Diff(want, take(resilience.WithRedisBudget(t.Context()))); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
	if got := guard.Health(); got == resilience.HealthDown {
		t.Error("redis counts as down because this server is busy")
	}
	close(release)
	wg.Wait()
	if d := take(t.Context()); !d.Allowed || d.Source != ratelimit.SourceRedis {
		t.Errorf("%+v afterwards, want redis to decide", d)
	}
}

func TestRequestTakesFromAllItsBuckets(t *testing.T) {
	t.Parallel()
	tenant := ratelimit.Bucket{Name: "tenant acme", Limit: limit(1, 3)}
	for name, l := range map[string]*ratelimit.Limiter{
		"in redis":  redisLimiter(t, backends.Redis(t), 1, patience),
		"in memory": ratelimit.New(ratelimit.Options{Service: replicas(1)}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			admitted := map[string]int{}
			for _, caller := range []string{"alice", "bob", "alice", "bob", "alice"} {
				if l.Take(t.Context(), []ratelimit.Bucket{{Name: caller, Limit: limit(1, 2)}, tenant}).Allowed {
					admitted[caller]++
				}
			}
			if diff := cmp.Diff(map[string]int{"alice": 2, "bob": 1}, admitted); diff != "" {
				t.Errorf("what the tenant's bucket of 3 lets through (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLimiterOutages(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		harm, mend func(*backends.RedisServer)
	}{
		"killed": {(*backends.RedisServer).Kill, (*backends.RedisServer).Restart},
		"paused": {(*backends.RedisServer).Pause, (*backends.RedisServer).Resume},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := backends.Redis(t)
			l := redisLimiter(t, server, 3, 0)
			decidedByRedis := func() bool {
				return l.Take(t.Context(), of("alice", limit(1, 10))).Source == ratelimit.SourceRedis
			}
			until(t, "decided by redis", decidedByRedis)
			test.harm(server)
			admitted := 0
			for range 20 {
				d := l.Take(t.Context(), of("bob", limit(1, 10)))
				if d.Source != ratelimit.SourceLocal || d.Limit != 1 {
					t.Fatalf("%+v: want a local decision that tells the configured limit", d)
				}
				if d.Allowed {
					admitted++
				}
			}
			if admitted != 3 {
				t.Errorf("%d admitted during the outage, want the share of one of three servers, floor(10/3)", admitted)
			}
			test.mend(server)
			until(t, "decided by redis again", decidedByRedis)
		})
	}
}

// Who asks while Redis is lost gets the configured rule, and that of the buckets again when it is back. Who has no time left for a Redis that
// is there gets the share.
func TestOnFailure(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	r := resilience.NewRedis(resilience.RedisOptions{Address: server.Addr()})
	t.Cleanup(func() { _ = r.Close() })
	rule := config.StoreFailureAllow
	l := ratelimit.New(ratelimit.Options{Redis: r, Service: replicas(3), OnFailure: func() config.StoreFailure { return rule }})
	take := func() ratelimit.Decision { return l.Take(t.Context(), of("alice", limit(1, 2))) }
	until(t, "decided by redis", func() bool { return take().Source == ratelimit.SourceRedis })
	spent := resilience.WithRedisBudget(t.Context())
	resilience.WaitWithinRedisBudget(spent, make(chan struct{})) // as for a cache that hangs
	for _, rule = range []config.StoreFailure{config.StoreFailureDeny, config.StoreFailureAllow} {
		if d := l.Take(spent, of(string(rule), limit(1, 2))); !d.Allowed || d.Source != ratelimit.SourceLocal {
			t.Errorf("%s, of a request without time for a Redis that is there: %+v", rule, d)
		}
	}
	server.Kill()
	for range 5 {
		if d := take(); !d.Allowed || d.Source != ratelimit.SourceNone {
			t.Errorf("Allow: %+v", d)
		}
	}
	until(t, "redis counts as lost", func() bool { return r.Health() == resilience.HealthDown })
	if d := l.Take(spent, of("Allow", limit(1, 2))); !d.Allowed || d.Source != ratelimit.SourceNone {
		t.Errorf("Allow, of a request without time: %+v", d)
	}
	rule = config.StoreFailureDeny
	if d := take(); d.Allowed || d.RetryAfter != time.Second || d.Source != ratelimit.SourceNone {
		t.Errorf("Deny: %+v", d)
	}
	rule = config.StoreFailureLocal
	if d := take(); d.Source != ratelimit.SourceLocal {
		t.Errorf("Local: %+v", d)
	}
	server.Restart()
	until(t, "decided by redis again", func() bool { return take().Source == ratelimit.SourceRedis })
}

// Who leaves before Redis has answered is charged as who stays, and gets nothing from the server's share or from a rule for a lost Redis.
func TestWhoHasLeftIsCharged(t *testing.T) {
	t.Parallel()
	r := resilience.NewRedis(resilience.RedisOptions{Address: backends.Redis(t).Addr(), Timeout: patience})
	t.Cleanup(func() { _ = r.Close() })
	left := 10
	for _, rule := range []config.StoreFailure{config.StoreFailureLocal, config.StoreFailureAllow, config.StoreFailureDeny} {
		l := ratelimit.New(ratelimit.Options{Redis: r, Service: replicas(1), OnFailure: func() config.StoreFailure { return rule }})
		ctx, leave := context.WithCancel(t.Context())
		leave()
		left--
		if d := l.Take(ctx, of("alice", limit(1, 10))); !d.Allowed || d.Remaining != left || d.Source != ratelimit.SourceRedis {
			t.Errorf("%s: %+v, want %d remaining in redis", rule, d, left)
		}
	}
}

// TestLimiterStaysWithinItsSlack counts what is admitted while Redis dies and comes back without its data, again and
// again: at most a burst for each loss, and the local shares, above burst + rate*t.
func TestLimiterStaysWithinItsSlack(t *testing.T) {
	t.Parallel()
	const perMinute, burst, servers, losses = 60, 30, 2, 3
	server := backends.Redis(t)
	limiters := []*ratelimit.Limiter{redisLimiter(t, server, servers, 0), redisLimiter(t, server, servers, 0)}
	admitted := 0
	start := time.Now()
	take := func() (sources map[ratelimit.Source]bool) {
		sources = map[ratelimit.Source]bool{}
		for _, l := range limiters {
			d := l.Take(t.Context(), of("alice", limit(perMinute, burst)))
			sources[d.Source] = true
			if d.Allowed {
				admitted++
			}
		}
		return sources
	}
	for range losses {
		until(t, "all decided by redis", func() bool { return !take()[ratelimit.SourceLocal] })
		for range 100 {
			take()
		}
		server.Kill()
		for range 100 {
			take()
		}
		server.Restart()
	}
	until(t, "all decided by redis", func() bool { return !take()[ratelimit.SourceLocal] })
	for range 100 {
		take()
	}
	passed := time.Since(start).Minutes()
	most := burst + perMinute*passed + // the invariant without losses
		losses*burst + // a burst for each loss of the data
		servers*(burst/servers+perMinute*passed/servers) // the local shares
	if float64(admitted) > most {
		t.Errorf("%d admitted in %.3f minutes, want at most %.1f", admitted, passed, most)
	}
}
