package cache

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// confirmed is a state of documents that never changes.
type confirmed struct{ rag.Control }

func (confirmed) Current(context.Context, string) rag.State {
	return rag.State{Token: "1", Confirmed: true, Index: "i"}
}

// looker is the search part of a cache before a Redis, with an entry in that.
type looker struct {
	*retriever
	lookup *lookup[rag.Query]
	server *backends.RedisServer

	mu   sync.Mutex
	told map[string]int // how look-ups ended
}

func looking(t *testing.T, stored time.Time) *looker {
	t.Helper()
	const patience = time.Minute
	server := backends.Redis(t)
	redis := resilience.NewRedis(resilience.RedisOptions{Address: server.Addr(), Timeout: patience})
	t.Cleanup(func() { _ = redis.Close() })
	settings := &config.Config{Cache: config.Cache{Enabled: true, TTLSearch: config.Duration(time.Hour), LocalMaxBytes: 1 << 20}}
	r := &looker{server: server, told: map[string]int{}}
	c := New(Options{Redis: redis, Control: confirmed{}, Config: func() *config.Config { return settings },
		OnLookup: func(_ rag.CacheKind, layer, outcome string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.told[layer+" "+outcome]++
		}})
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	r.retriever, _ = c.Retriever(nil).(*retriever)
	l := r.retriever.lookup(t.Context(), settings, rag.Query{Tenant: "acme", Text: "q"})
	r.lookup = &l
	data, err := entryAt(stored, "from redis").encode()
	if err != nil {
		t.Fatal(err)
	}
	c.writer.write(write{key: l.key, value: data, ttl: time.Hour, sets: []string{"s"}, tenants: "t", valid: func() bool { return true }})
	return r
}

func entryAt(stored time.Time, text string) *entry[rag.Retrieval] {
	return &entry[rag.Retrieval]{StoredAt: stored, FreshUntil: stored.Add(time.Hour), StaleUntil: stored.Add(time.Hour), Value: rag.Retrieval{
		Hits: []rag.Hit{{Chunk: rag.Chunk{ID: "a#0", DocumentID: "a", Text: text}}},
	}}
}

// A result that was made while a look-up took its time stays in memory.
func TestLateLookUpLeavesWhatIsNewer(t *testing.T) {
	t.Parallel()
	now := time.Now()
	r := looking(t, now.Add(-time.Minute))
	l := r.lookup
	newer := entryAt(now, "made meanwhile")
	r.kind.remember(l, *newer, 100, r.cache.forgotten.now(), r.cache.local.put)
	if found := r.kind.fetch(t.Context(), l, r.cache.forgotten.now(), true); found.outcome != LookupHit {
		t.Fatalf("the look-up: %s", found.outcome)
	}
	if e, ok := r.kind.inMemory(l.key); !ok || e.Value.Hits[0].Text != "made meanwhile" {
		t.Errorf("in memory: %t, %+v", ok, e.Value.Hits)
	}
}

// Each request that looks tells how its look ended, that of Redis itself is told once.
func TestLooksAreToldByWhoWaitsForThem(t *testing.T) {
	t.Parallel()
	r := looking(t, time.Now())
	key := r.lookup.key
	r.server.Pause()
	look := func(ctx context.Context) string {
		own := *r.lookup
		found, err := r.kind.look(ctx, &own, &rag.CacheUse{}, true)
		if err != nil {
			t.Error(err)
		}
		return found.outcome
	}
	waiting := func(n int) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			r.kind.looks.mu.Lock()
			f := r.kind.looks.calls[key]
			waiters := 0
			if f != nil {
				waiters = f.waiters
			}
			r.kind.looks.mu.Unlock()
			if waiters == n {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%d requests wait for the look-up, want %d", waiters, n)
			}
		}
	}
	var all sync.WaitGroup
	for n := range 2 {
		all.Go(func() {
			if got := look(t.Context()); got != LookupHit {
				t.Errorf("who waited: %s", got)
			}
		})
		waiting(n + 1)
	}
	if got := look(resilience.WithRedisBudget(t.Context())); got != LookupError {
		t.Errorf("who had no time: %s", got)
	}
	r.server.Resume()
	all.Wait()
	want := map[string]int{"redis hit": 1, "coalesced hit": 1, "redis error": 1}
	r.mu.Lock()
	defer r.mu.Unlock()
	if diff := cmp.Diff(want, r.told); diff != "" {
		t.Errorf("(-want +told):\n%s", diff)
	}
}

// A request waits for a look into Redis that another one began no longer than its own budget; the look goes on for the other one.
func TestJoinerWaitsForRedisNoLongerThanItsOwnBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var g group[string]
		answer := make(chan struct{})
		look := func(ctx context.Context, _ *call[string]) (string, error) {
			select {
			case <-answer:
				return "found", nil
			case <-ctx.Done():
				return "", context.Cause(ctx)
			}
		}
		var led sync.WaitGroup
		led.Go(func() { // a request without a budget
			if got, joined, err := g.doWithinRedisBudget(t.Context(), "k", look); got != "found" || joined || err != nil {
				t.Errorf("who began: %q, joined %t, %v", got, joined, err)
			}
		})
		synctest.Wait()
		budgeted := resilience.WithRedisBudget(t.Context())
		for _, left := range []time.Duration{resilience.RedisBudget, 0} {
			begun := time.Now()
			if _, joined, err := g.doWithinRedisBudget(budgeted, "k", look); !joined || !errors.Is(err, errNoTime) {
				t.Errorf("with %v left: joined %t, %v", left, joined, err)
			}
			if waited := time.Since(begun); waited != left {
				t.Errorf("with %v left: waited %v", left, waited)
			}
		}
		left, leave := context.WithCancelCause(t.Context())
		leave(errors.New("gone"))
		if _, _, err := g.doWithinRedisBudget(left, "k", look); err == nil || err.Error() != "gone" {
			t.Errorf("who has left: %v", err)
		}
		close(answer)
		led.Wait()
	})
}
