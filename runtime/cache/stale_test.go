package cache_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ragservice/ragservice-operator/runtime/cache"
	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/test/backends"
)

var (
	engineDown = &rag.Error{Kind: rag.ErrSearchUnavailable, Message: "the engine is down"}
	modelDown  = &rag.Error{Kind: rag.ErrLLMTimeout, Message: "the model is down"}
)

// stale is a fixture whose results stand in for ten minutes, and expire to the second.
func stale(tb testing.TB, options ...option) *fixture {
	tb.Helper()
	f := newFixture(tb, options...)
	f.configure(func(c *config.Cache) { c.StaleIfError, c.JitterPercent = config.Duration(10*time.Minute), 0 })
	return f
}

// down ends what makes results.
func (f *fixture) down() {
	f.backend.retrieve = func(context.Context, rag.Query) (rag.Retrieval, error) { return rag.Retrieval{}, engineDown }
	f.backend.generate = func(context.Context, rag.Prompt, func(rag.Piece) error) (rag.Completion, error) {
		return rag.Completion{}, modelDown
	}
}

func (f *fixture) fails(t *testing.T, q rag.Query, want error) {
	t.Helper()
	if got, err := f.retriever.Retrieve(t.Context(), q); !errors.Is(err, want) {
		t.Errorf("search: %s, %v, want %v", got.Cache.Outcome, err, want)
	}
}

func TestExpiredResultsStandInWhileBackendsAreDown(t *testing.T) {
	t.Parallel()
	f := stale(t)
	q, p := query("acme", "q"), prompt("acme", "q", "doc")
	before := f.search(t, q, rag.CacheMiss)
	said := f.answer(t, p, rag.CacheMiss)
	f.pass(time.Hour + 9*time.Minute)
	f.down()
	got := f.search(t, q, rag.CacheStale)
	if diff := cmp.Diff(before, got, cmpopts.IgnoreFields(rag.Retrieval{}, "Cache")); diff != "" {
		t.Errorf("another result (-before +stale):\n%s", diff)
	}
	if age := got.Cache.Age; age < time.Hour+9*time.Minute || age > time.Hour+9*time.Minute+patience || !errors.Is(got.Cache.Cause, rag.ErrSearchUnavailable) {
		t.Errorf("age %v, cause %v", age, got.Cache.Cause)
	}
	if n := f.lookedUp("search local stale"); n != 1 {
		t.Errorf("told %d times that a result was stale, want once", n)
	}
	f.pass(time.Minute)
	f.fails(t, q, rag.ErrSearchUnavailable)

	f.pass(-55 * time.Minute) // answers are kept for 15 minutes
	told := f.answer(t, p, rag.CacheStale)
	if diff := cmp.Diff(said, told); diff != "" {
		t.Errorf("another answer (-before +stale):\n%s", diff)
	}
}

func TestWhatDoesNotStandIn(t *testing.T) {
	t.Parallel()
	q := query("acme", "q")
	for name, test := range map[string]func(*fixture) rag.Query{
		"a result when staleIfError is 0s": func(f *fixture) rag.Query {
			f.configure(func(c *config.Cache) { c.StaleIfError = 0 })
			return q
		},
		"a result of other documents": func(f *fixture) rag.Query {
			f.documents.change()
			return q
		},
		"a result for a request with no-cache": func(*fixture) rag.Query {
			anew := q
			anew.Cache.NoCache = true
			return anew
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := stale(t)
			f.search(t, q, rag.CacheMiss)
			f.pass(time.Hour)
			f.down()
			f.fails(t, test(f), rag.ErrSearchUnavailable)
		})
	}
	t.Run("a result that is older than the configuration now allows", func(t *testing.T) {
		t.Parallel()
		f := stale(t)
		f.search(t, q, rag.CacheMiss)
		f.pass(time.Hour + 5*time.Minute)
		f.down()
		f.search(t, q, rag.CacheStale)
		f.configure(func(c *config.Cache) { c.StaleIfError = config.Duration(time.Minute) })
		f.fails(t, q, rag.ErrSearchUnavailable)
	})
	t.Run("nothing found", func(t *testing.T) {
		t.Parallel()
		f := stale(t)
		f.backend.retrieve = func(context.Context, rag.Query) (rag.Retrieval, error) {
			return rag.Retrieval{Mode: rag.ModeKeyword}, nil
		}
		f.search(t, q, rag.CacheMiss)
		f.pass(time.Minute)
		f.down()
		f.fails(t, q, rag.ErrSearchUnavailable)
	})
}

// An older result stands in for a backend that is down, not for one that has begun to answer, and not for a bug.
func TestWhatNothingStandsInFor(t *testing.T) {
	t.Parallel()
	t.Run("a fault that is no outage", func(t *testing.T) {
		t.Parallel()
		f := stale(t)
		q := query("acme", "q")
		f.search(t, q, rag.CacheMiss)
		f.pass(time.Hour)
		f.backend.retrieve = func(context.Context, rag.Query) (rag.Retrieval, error) { panic("a bug") }
		f.fails(t, q, rag.ErrRAG)
	})
	t.Run("a question that the model refused", func(t *testing.T) {
		t.Parallel()
		f := stale(t)
		p := prompt("acme", "q", "doc")
		f.answer(t, p, rag.CacheMiss)
		f.pass(15 * time.Minute)
		f.backend.generate = func(context.Context, rag.Prompt, func(rag.Piece) error) (rag.Completion, error) {
			return rag.Completion{}, &rag.Error{Kind: rag.ErrLLMRefused, Message: "filtered"}
		}
		if _, err := f.generator.Generate(t.Context(), p, func(rag.Piece) error { return nil }); !errors.Is(err, rag.ErrLLMRefused) {
			t.Errorf("%v, want the refusal", err)
		}
	})
	t.Run("an answer that broke off", func(t *testing.T) {
		t.Parallel()
		f := stale(t)
		p := prompt("acme", "q", "doc")
		f.answer(t, p, rag.CacheMiss)
		f.pass(15 * time.Minute)
		f.backend.generate = func(_ context.Context, _ rag.Prompt, emit func(rag.Piece) error) (rag.Completion, error) {
			return rag.Completion{}, errors.Join(emit(rag.Piece{Text: "It "}), modelDown)
		}
		if _, err := f.generator.Generate(t.Context(), p, func(rag.Piece) error { return nil }); !errors.Is(err, rag.ErrLLMTimeout) {
			t.Errorf("%v, want the model's error: a part of another answer was told", err)
		}
	})
}

// An ask joins the work of a stream, which breaks off: an older answer stands in for the ask, which was told nothing of the other.
func TestAnOlderAnswerStandsInForAWholeOneThatBreaksOff(t *testing.T) {
	t.Parallel()
	f := stale(t)
	p := prompt("acme", "q", "doc")
	before := f.answer(t, p, rag.CacheMiss)
	f.pass(15 * time.Minute)
	begun, joined := make(chan struct{}), make(chan struct{})
	f.backend.generate = func(_ context.Context, _ rag.Prompt, emit func(rag.Piece) error) (rag.Completion, error) {
		err := emit(rag.Piece{Text: "It "})
		close(begun)
		<-joined
		return rag.Completion{}, errors.Join(err, modelDown)
	}
	streamed := make(chan error, 1)
	go func() {
		_, err := f.generator.Generate(context.Background(), p, func(rag.Piece) error { return nil })
		streamed <- err
	}()
	<-begun
	p.Whole = true
	p.Cache.Serving = func(info rag.CacheInfo) error {
		if info.Outcome == rag.CacheHit {
			close(joined)
		}
		return nil
	}
	if diff := cmp.Diff(before, f.answer(t, p, rag.CacheStale)); diff != "" {
		t.Errorf("another answer (-before +stale):\n%s", diff)
	}
	if err := <-streamed; !errors.Is(err, rag.ErrLLMTimeout) {
		t.Errorf("the stream: %v, want the model's error", err)
	}
}

// A server that cannot read the token goes to the engine; when that is down too, what it found last stands in for a while.
func TestUnconfirmedResultsStandInWhileTheEngineIsDown(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	other := stale(t, withRedis(guarded(t, server)))
	q := query("acme", "q")
	other.search(t, q, rag.CacheMiss)
	other.close(t)
	for name, f := range map[string]*fixture{"in memory": other, "in redis": stale(t, withRedis(guarded(t, server)), sharing(other))} {
		f.documents.unsure.Store(true)
		f.search(t, q, rag.CacheMiss)
		f.down()
		f.pass(9 * time.Minute)
		if got := f.search(t, q, rag.CacheStale); len(got.Hits) != 1 {
			t.Errorf("%s: %d hits, want those found before", name, len(got.Hits))
		}
		f.pass(time.Minute)
		f.fails(t, q, rag.ErrSearchUnavailable)
	}
}

func TestExpiredResultsInRedisStandIn(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	first := stale(t, withRedis(guarded(t, server)))
	p := prompt("acme", "q", "doc")
	first.answer(t, p, rag.CacheMiss)
	first.close(t)
	second := stale(t, withRedis(guarded(t, server)), sharing(first))
	second.pass(20 * time.Minute)
	second.down()
	second.answer(t, p, rag.CacheStale)
}

// A stream's headers are sent before its answer: it is told that a MISS may yet become STALE, and when it does.
func TestStaleIsToldBeforeThePieces(t *testing.T) {
	t.Parallel()
	f := stale(t)
	p := prompt("acme", "q", "doc")
	f.answer(t, p, rag.CacheMiss)
	f.pass(15 * time.Minute)
	f.down()
	var told []string
	p.Cache.Serving = func(info rag.CacheInfo) error {
		told = append(told, string(info.Outcome))
		if info.Fallback {
			told = append(told, "may fall back")
		}
		return nil
	}
	if _, err := f.generator.Generate(t.Context(), p, func(rag.Piece) error {
		told = append(told, "piece")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"MISS", "may fall back", "STALE", "piece", "piece", "piece"}, told); diff != "" {
		t.Errorf("(-want +told):\n%s", diff)
	}
}

// TestNoCache: the work is done anew, for each request that came after it began, and its result is kept for others.
func TestNoCache(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	q, p := query("acme", "q"), prompt("acme", "q", "doc")
	anew, again := q, p
	anew.Cache.NoCache, again.Cache.NoCache = true, true
	f.search(t, q, rag.CacheMiss)
	f.answer(t, p, rag.CacheMiss)
	f.backend.retrieve = func(context.Context, rag.Query) (rag.Retrieval, error) { return found("newer", "doc"), nil }
	f.search(t, anew, rag.CacheBypass)
	if got := f.search(t, q, rag.CacheHit); got.Hits[0].Text != "newer" {
		t.Errorf("the cache still has %q", got.Hits[0].Text)
	}
	before := f.backend.calls.Load()
	f.answer(t, again, rag.CacheBypass)
	if got := f.backend.calls.Load() - before; got != 1 {
		t.Errorf("%d calls of the model, want 1", got)
	}
	f.documents.unsure.Store(true)
	f.search(t, anew, rag.CacheBypass)
	f.configure(func(c *config.Cache) { c.Enabled = false })
	f.search(t, anew, rag.CacheBypass)
	if got := f.lookedUp("search " + cache.LayerCoalesced + " hit"); got != 0 {
		t.Errorf("%d requests joined others", got)
	}
}

// A stream that joins work under way is told HIT; if that fails, STALE comes before its pieces too.
func TestStaleIsToldToWhoJoinedWorkThatFails(t *testing.T) {
	t.Parallel()
	f := stale(t)
	p := prompt("acme", "q", "doc")
	f.answer(t, p, rag.CacheMiss)
	f.pass(15 * time.Minute)
	begun, fails := make(chan struct{}), make(chan struct{})
	begin := sync.OnceFunc(func() { close(begun) })
	f.backend.generate = func(context.Context, rag.Prompt, func(rag.Piece) error) (rag.Completion, error) {
		begin() // again when the work fails between the answer that it is under way and the joining
		<-fails
		return rag.Completion{}, modelDown
	}
	first := make(chan rag.CacheOutcome, 1)
	go func() {
		got, _ := f.generator.Generate(context.Background(), p, func(rag.Piece) error { return nil })
		first <- got.Cache.Outcome
	}()
	<-begun
	var told []string
	joining := p
	joining.Cache.Serving = func(info rag.CacheInfo) error {
		told = append(told, string(info.Outcome))
		if info.Outcome == rag.CacheHit {
			if !info.Fallback {
				told = append(told, "for good")
			}
			close(fails)
		}
		return nil
	}
	_, err := f.generator.Generate(t.Context(), joining, func(rag.Piece) error { told = append(told, "piece"); return nil })
	if diff := cmp.Diff([]string{"HIT", "STALE", "piece", "piece", "piece"}, told); err != nil || diff != "" {
		t.Errorf("%v (-want +told):\n%s", err, diff)
	}
	if got := <-first; got != rag.CacheStale {
		t.Errorf("who began: %s, want STALE", got)
	}
}
