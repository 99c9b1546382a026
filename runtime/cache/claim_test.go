package cache_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/cache"
	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// claims are those that Redis holds.
func claims(t *testing.T, server *backends.RedisServer) []string {
	t.Helper()
	return keys(t, plain(t, server), "*:claim")
}

// servers share a Redis and count their work together.
func servers(t *testing.T, n int, server *backends.RedisServer, work func(context.Context) error) ([]*fixture, *atomic.Int64) {
	t.Helper()
	var calls atomic.Int64
	all := make([]*fixture, n)
	for i := range all {
		options := []option{withRedis(guarded(t, server))}
		if i > 0 {
			options = append(options, sharing(all[0]))
		}
		f := newFixture(t, options...)
		f.backend.retrieve = func(ctx context.Context, q rag.Query) (rag.Retrieval, error) {
			calls.Add(1)
			return found(q.Text, "doc"), work(ctx)
		}
		all[i] = f
	}
	return all, &calls
}

// What several servers want at the same time is worked out by one of them.
func TestServersDoWorkOnce(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	release := make(chan struct{})
	all, calls := servers(t, 3, server, func(context.Context) error { <-release; return nil })
	var asking sync.WaitGroup
	var hits atomic.Int64
	for _, f := range all {
		for range 20 {
			asking.Go(func() {
				got, err := f.retriever.Retrieve(t.Context(), query("acme", "q"))
				if err != nil || len(got.Hits) != 1 {
					t.Errorf("%d hits, %v", len(got.Hits), err)
				}
				if got.Cache.Outcome == rag.CacheHit {
					hits.Add(1)
				}
			})
		}
	}
	until(t, "each server has looked", func() bool { return lookUps(t, server) >= 6 }) // two of them again and again
	if got := claims(t, server); len(got) != 1 {
		t.Errorf("claims %q, want one", got)
	}
	close(release)
	asking.Wait()
	if calls.Load() != 1 || hits.Load() != 59 {
		t.Errorf("%d searches, %d of 60 requests were hits; want 1 and 59", calls.Load(), hits.Load())
	}
	until(t, "the claim has ended", func() bool { return len(claims(t, server)) == 0 })
}

// A server whose work fails leaves it to the next, at once.
func TestAnotherServerTakesOverWhatFailed(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	failed, begun := make(chan struct{}), make(chan struct{}, 2)
	var tries atomic.Int64
	all, _ := servers(t, 2, server, func(context.Context) error {
		begun <- struct{}{}
		if tries.Add(1) > 1 {
			return nil
		}
		<-failed
		return engineDown
	})
	first := make(chan error, 1)
	go func() {
		_, err := all[0].retriever.Retrieve(t.Context(), query("acme", "q"))
		first <- err
	}()
	<-begun
	second := make(chan rag.CacheOutcome, 1)
	go func() {
		got, _ := all[1].retriever.Retrieve(t.Context(), query("acme", "q"))
		second <- got.Cache.Outcome
	}()
	until(t, "the second server waits", func() bool { return lookUps(t, server) >= 4 })
	close(failed)
	if err := <-first; !errors.Is(err, rag.ErrSearchUnavailable) {
		t.Errorf("the first: %v", err)
	}
	if got := <-second; got != rag.CacheMiss {
		t.Errorf("the second: %s, want MISS: it did the work itself", got)
	}
}

// What is never kept is made by all servers that waited for the first one at the same time, not by one after the other.
func TestServersDoNotQueueForWhatIsNotKept(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	first, others := make(chan struct{}), make(chan struct{})
	var begun atomic.Int64
	all, _ := servers(t, 4, server, func(context.Context) error {
		if begun.Add(1) == 1 {
			<-first
		} else {
			<-others
		}
		return engineDown
	})
	var asking sync.WaitGroup
	for i, f := range all {
		asking.Go(func() {
			if _, err := f.retriever.Retrieve(t.Context(), query("acme", "q")); !errors.Is(err, rag.ErrSearchUnavailable) {
				t.Errorf("server %d: %v", i, err)
			}
		})
	}
	until(t, "one works, the others wait", func() bool { return begun.Load() == 1 && lookUps(t, server) >= 8 })
	close(first)
	until(t, "all others work at the same time", func() bool { return begun.Load() == 4 })
	close(others)
	asking.Wait()
}

// A claim ends with its time when its server was killed.
func TestClaimOfAKilledServerEnds(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	client := plain(t, server)
	f := newFixture(t, withRedis(guarded(t, server)))
	f.search(t, query("acme", "q"), rag.CacheMiss)
	f.close(t)
	key := keys(t, client, "*:search:*")[0]
	for _, err := range []error{
		client.Del(t.Context(), key).Err(),
		client.Set(t.Context(), "{"+key+"}:claim", "killed", 200*time.Millisecond).Err(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	next := newFixture(t, withRedis(guarded(t, server)), sharing(f))
	next.search(t, query("acme", "q"), rag.CacheMiss)
	if got := lookUps(t, server); got < 3 {
		t.Errorf("%d look-ups: it did not wait for the claim to end", got)
	}
}

// A claim holds while its server works.
func TestClaimIsRenewed(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	done := make(chan struct{})
	all, _ := servers(t, 1, server, func(context.Context) error { <-done; return nil })
	var asking sync.WaitGroup
	asking.Go(func() { _, _ = all[0].retriever.Retrieve(t.Context(), query("acme", "q")) })
	until(t, "it is claimed", func() bool { return len(claims(t, server)) == 1 })
	client, left := plain(t, server), time.Minute
	until(t, "it was renewed", func() bool {
		now, err := client.PTTL(t.Context(), claims(t, server)[0]).Result()
		renewed := err == nil && now > left
		left = now
		return renewed
	})
	close(done)
	asking.Wait()
}

// A claim ends with its work, however that ends.
func TestClaimEndsWithItsWork(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*fixture, *backends.RedisServer){
		"of a result that is not kept": func(f *fixture, _ *backends.RedisServer) {
			f.backend.retrieve = func(context.Context, rag.Query) (rag.Retrieval, error) { return rag.Retrieval{Degraded: true}, nil }
			f.search(t, query("acme", "q"), rag.CacheMiss)
		},
		"of a request that was refused": func(f *fixture, _ *backends.RedisServer) {
			q := query("acme", "q")
			q.Cache.Serving = func(rag.CacheInfo) error { return &rag.Error{Kind: rag.ErrRateLimit, Message: "refused"} }
			f.fails(t, q, rag.ErrRateLimit)
		},
		"of an expired result": func(f *fixture, server *backends.RedisServer) {
			f.configure(func(c *config.Cache) { c.StaleIfError = config.Duration(time.Hour) })
			f.search(t, query("acme", "q"), rag.CacheMiss)
			until(t, "it is in redis", func() bool { return len(keys(t, plain(t, server), "*:search:*:false")) == 1 })
			f.pass(90 * time.Minute)
			f.backend.retrieve = func(context.Context, rag.Query) (rag.Retrieval, error) {
				if got := claims(t, server); len(got) != 1 {
					t.Errorf("claims %q while the result is made anew, want one", got)
				}
				return found("newer", "doc"), nil
			}
			f.search(t, query("acme", "q"), rag.CacheMiss)
		},
		"of work that panics": func(f *fixture, _ *backends.RedisServer) {
			f.backend.retrieve = func(context.Context, rag.Query) (rag.Retrieval, error) { panic("a bug") }
			f.fails(t, query("acme", "q"), rag.ErrRAG)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := backends.Redis(t)
			f := newFixture(t, withRedis(guarded(t, server)))
			end(f, server)
			f.close(t) // what is to be told to Redis was told
			if got := claims(t, server); len(got) > 0 {
				t.Errorf("claims %q are left: other servers would wait for nothing", got)
			}
		})
	}
}

// A request that may have to wait for its turn claims no work before; others do not wait for it.
func TestNothingIsClaimedBeforeItsTurn(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	f := newFixture(t, withRedis(guarded(t, server)))
	f.backend.retrieve = func(context.Context, rag.Query) (rag.Retrieval, error) {
		if got := claims(t, server); len(got) != 1 {
			t.Errorf("claims %q while it works, want one", got)
		}
		return found("q", "doc"), nil
	}
	q := query("acme", "q")
	q.Cache.Queued = true
	q.Cache.Serving = func(info rag.CacheInfo) error {
		if got := claims(t, server); len(got) > 0 || info.Outcome != rag.CacheMiss {
			t.Errorf("claims %q before its turn, told %s", got, info.Outcome)
		}
		return nil
	}
	f.search(t, q, rag.CacheMiss)
	if got := f.lookedUp("search " + cache.LayerRedis + " miss"); got != 1 {
		t.Errorf("one request that misses counts as %d", got)
	}
}

// What another server has made while a request waited for its turn is served to it.
func TestTheTurnMayComeAfterTheWork(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	f := newFixture(t, withRedis(guarded(t, server)))
	other := newFixture(t, withRedis(guarded(t, server)), sharing(f))
	q := query("acme", "q")
	q.Cache.Queued = true
	q.Cache.Serving = func(rag.CacheInfo) error {
		other.search(t, query("acme", "q"), rag.CacheMiss)
		other.close(t)
		return nil
	}
	if f.search(t, q, rag.CacheHit); f.backend.calls.Load() != 0 {
		t.Error("the work was done again")
	}
	if got := f.lookedUp("search " + cache.LayerRedis + " hit"); got != 1 {
		t.Errorf("%d hits in Redis are counted, want 1", got)
	}
}

// A look-up that nobody waits for any more may claim the work all the same: Redis has its script. That claim ends at once.
func TestClaimThatNobodyWaitsForEnds(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	f := newFixture(t, withRedis(guarded(t, server)))
	server.Pause()
	ctx, leave := context.WithCancel(t.Context())
	q := query("acme", "q")
	q.Cache.Waiting = leave
	if _, err := f.retriever.Retrieve(ctx, q); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v, want that it has left", err)
	}
	server.Resume()
	until(t, "it has looked", func() bool { return lookUps(t, server) >= 1 })
	until(t, "the claim has ended", func() bool { return f.lookedUp("search "+cache.LayerRedis+" miss") == 1 && len(claims(t, server)) == 0 })
	left, err := plain(t, server).Info(t.Context(), "commandstats").Result()
	if err != nil || !strings.Contains(left, "cmdstat_del:calls=1,") {
		t.Errorf("the claim was not released (%v)", err)
	}
}

// A server that waits for another's work does it itself when Redis is lost.
func TestLossOfRedisEndsTheWaitForAnotherServer(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	block := make(chan struct{})
	var tries atomic.Int64
	all, calls := servers(t, 2, server, func(context.Context) error {
		if tries.Add(1) == 1 {
			<-block
		}
		return nil
	})
	var asking sync.WaitGroup
	defer asking.Wait()
	defer close(block)
	asking.Go(func() { _, _ = all[0].retriever.Retrieve(t.Context(), query("acme", "q")) })
	until(t, "the first works", func() bool { return calls.Load() == 1 })
	asking.Go(func() {
		got, err := all[1].retriever.Retrieve(t.Context(), query("acme", "q"))
		if err != nil || got.Cache.Outcome != rag.CacheMiss {
			t.Errorf("the second: %s, %v", got.Cache.Outcome, err)
		}
	})
	until(t, "the second waits", func() bool { return lookUps(t, server) >= 4 })
	server.Kill()
	until(t, "the second works", func() bool { return calls.Load() == 2 })
	if all[1].lookedUp("search "+cache.LayerRedis+" hit") != 0 {
		t.Error("a hit was told")
	}
}
