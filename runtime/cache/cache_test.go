package cache_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

func TestSecondRequestIsAnsweredFromMemory(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first := f.search(t, query("acme", "q"), rag.CacheMiss)
	f.pass(90 * time.Second)
	second := f.search(t, query("acme", "q"), rag.CacheHit)
	if second.Cache.Age.Truncate(time.Second) != 90*time.Second {
		t.Errorf("age %v, want 90s", second.Cache.Age)
	}
	first.Cache, second.Cache = rag.CacheInfo{}, rag.CacheInfo{}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("(-first +second):\n%s", diff)
	}
	tokens := f.answer(t, prompt("acme", "q", "doc"), rag.CacheMiss)
	if diff := cmp.Diff(tokens, f.answer(t, prompt("acme", "q", "doc"), rag.CacheHit)); diff != "" {
		t.Errorf("a cached answer is not told as the first one was (-first +second):\n%s", diff)
	}
	if got := f.backend.calls.Load(); got != 2 {
		t.Errorf("%d calls, want one search and one answer", got)
	}
	want := map[string]int{
		"search local miss": 1, "search local hit": 1, "llm local miss": 1, "llm local hit": 1,
	}
	if diff := cmp.Diff(want, f.lookups); diff != "" {
		t.Errorf("lookups (-want +got):\n%s", diff)
	}
}

func TestCallersMayChangeTheirHits(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, outcome := range []rag.CacheOutcome{rag.CacheMiss, rag.CacheHit, rag.CacheHit} {
		got := f.search(t, query("acme", "q"), outcome)
		if got.Hits[0].DocumentID != "doc" {
			t.Error("a caller's change reached another")
		}
		got.Hits[0] = rag.Hit{}
	}
}

func TestTenantsAreApart(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, tenant := range []string{"acme", "umbrella"} {
		if got := f.search(t, query(tenant, "q"), rag.CacheMiss).Hits[0].Text; got != tenant+" q" {
			t.Errorf("%s was shown %q", tenant, got)
		}
		f.answer(t, prompt(tenant, "q", "doc"), rag.CacheMiss)
	}
}

func TestStampedeIsOneCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		release := make(chan struct{})
		f.backend.retrieve = func(context.Context, rag.Query) (rag.Retrieval, error) {
			<-release
			return found("x", "doc"), nil
		}
		var hits, misses atomic.Int64
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				got, err := f.retriever.Retrieve(t.Context(), query("acme", "q"))
				switch {
				case err != nil:
					t.Error(err)
				case got.Cache == rag.CacheInfo{Outcome: rag.CacheHit, Layer: "coalesced"}:
					hits.Add(1)
				case got.Cache == rag.CacheInfo{Outcome: rag.CacheMiss}:
					misses.Add(1)
				}
			})
		}
		synctest.Wait()
		close(release)
		wg.Wait()
		if f.backend.calls.Load() != 1 || misses.Load() != 1 || hits.Load() != 999 {
			t.Errorf("%d calls, %d misses, %d hits, want 1, 1 and 999", f.backend.calls.Load(), misses.Load(), hits.Load())
		}
		if got := f.lookedUp("search coalesced hit"); got != 999 {
			t.Errorf("%d joined, want 999", got)
		}
	})
}

func TestLiveSettings(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change        func(*config.Cache)
		search, again rag.CacheOutcome
	}{
		"nothing changes":      {func(*config.Cache) {}, rag.CacheHit, rag.CacheHit},
		"disabled":             {func(c *config.Cache) { c.Enabled = false }, rag.CacheBypass, rag.CacheBypass},
		"generation is raised": {func(c *config.Cache) { c.Generation++ }, rag.CacheMiss, rag.CacheHit},
		"time to live is shortened": {func(c *config.Cache) {
			c.TTLSearch, c.TTLLLM = config.Duration(time.Minute), config.Duration(time.Minute)
		}, rag.CacheMiss, rag.CacheHit},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.search(t, query("acme", "q"), rag.CacheMiss)
			f.answer(t, prompt("acme", "q", "doc"), rag.CacheMiss)
			f.pass(2 * time.Minute)
			f.configure(test.change)
			f.search(t, query("acme", "q"), test.search)
			f.search(t, query("acme", "q"), test.again)
			f.answer(t, prompt("acme", "q", "doc"), test.search)
			f.answer(t, prompt("acme", "q", "doc"), test.again)
		})
	}
}

func TestMemoryIsCutWhileRunning(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.search(t, query("acme", "q"), rag.CacheMiss)
	f.configure(func(c *config.Cache) { c.LocalMaxBytes = 1 })
	until(t, "memory is empty", func() bool {
		got, err := f.retriever.Retrieve(t.Context(), query("acme", "q"))
		return err == nil && got.Cache.Outcome == rag.CacheMiss
	})
}

func TestWhoseTimeIsOverGetsAnErrorOfThePort(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.backend.retrieve = func(ctx context.Context, _ rag.Query) (rag.Retrieval, error) {
			<-ctx.Done()
			return rag.Retrieval{}, ctx.Err()
		}
		f.backend.generate = func(ctx context.Context, _ rag.Prompt, _ func(rag.Piece) error) (rag.Completion, error) {
			<-ctx.Done()
			return rag.Completion{}, ctx.Err()
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := f.retriever.Retrieve(ctx, query("acme", "q")); !errors.Is(err, rag.ErrSearchTimeout) {
			t.Errorf("a search: %v, want ErrSearchTimeout", err)
		}
		if _, err := f.generator.Generate(ctx, prompt("acme", "q"), func(rag.Piece) error { return nil }); !errors.Is(err, rag.ErrLLMTimeout) {
			t.Errorf("an answer: %v, want ErrLLMTimeout", err)
		}
		cause := &rag.Error{Kind: rag.ErrLLMTimeout, Message: "after 30 seconds"}
		bounded, stop := context.WithTimeoutCause(t.Context(), time.Second, cause)
		defer stop()
		if _, err := f.generator.Generate(bounded, prompt("acme", "q"), func(rag.Piece) error { return nil }); !errors.Is(err, cause) {
			t.Errorf("an answer with a bound of its own: %v, want that bound's error", err)
		}
	})
}
