package cache_test

import (
	"context"
	"errors"
	"math"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/cache"
	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
)

// documents is the state of the documents, as a test wants it.
type documents struct {
	rag.Control
	token        atomic.Int64
	unsure, open atomic.Bool
}

func (d *documents) Current(context.Context, string) rag.State {
	return rag.State{
		Token: rag.Token(strconv.FormatInt(d.token.Load()+1, 10)), Confirmed: !d.unsure.Load(), Open: d.open.Load(), Index: "documents-v1",
	}
}

// change changes the documents.
func (d *documents) change() { d.token.Add(1) }

// backend is a search engine and a model that count their calls.
type backend struct {
	calls    atomic.Int64
	retrieve func(context.Context, rag.Query) (rag.Retrieval, error)
	generate func(context.Context, rag.Prompt, func(rag.Piece) error) (rag.Completion, error)
}

func (b *backend) Retrieve(ctx context.Context, q rag.Query) (rag.Retrieval, error) {
	b.calls.Add(1)
	if b.retrieve != nil {
		return b.retrieve(ctx, q)
	}
	return found(q.Tenant+" "+q.Text, "doc"), nil
}

func (b *backend) Generate(ctx context.Context, p rag.Prompt, emit func(rag.Piece) error) (rag.Completion, error) {
	b.calls.Add(1)
	if b.generate != nil {
		return b.generate(ctx, p, emit)
	}
	tokens := []rag.Piece{{Text: "It "}, {Text: "is "}, {Text: "[1].", Citations: []rag.Citation{{Marker: 1, ChunkID: "doc#0", Quote: "x"}}}}
	for _, token := range tokens {
		if err := emit(token); err != nil {
			return rag.Completion{}, err
		}
	}
	return rag.Completion{Pieces: tokens, Model: p.Model, FinishReason: rag.FinishStop}, nil
}

// result is a result with a hit in each document.
func found(text string, documents ...string) rag.Retrieval {
	r := rag.Retrieval{Total: len(documents), Mode: rag.ModeKeyword}
	for i, id := range documents {
		r.Hits = append(r.Hits, rag.Hit{Score: float64(10 - i), Chunk: rag.Chunk{
			ID: id + "#0", DocumentID: id, Text: text, ContentHash: "1", Metadata: rag.Metadata{"lang": "en"},
		}})
	}
	return r
}

// fixture is a server's cache with all around it.
type fixture struct {
	*cache.Cache
	retriever rag.Retriever
	generator *cache.Generator
	backend   *backend
	documents *documents

	mu      sync.Mutex
	config  config.Config
	passed  time.Duration
	lookups map[string]int
}

type option func(*cache.Options, *fixture)

// withRedis shares a Redis.
func withRedis(r *resilience.Redis) option {
	return func(o *cache.Options, _ *fixture) { o.Redis = r }
}

// sharing makes a fixture another server of the same service: the same documents.
func sharing(other *fixture) option {
	return func(o *cache.Options, f *fixture) {
		f.documents, o.Control = other.documents, other.documents
	}
}

func newFixture(tb testing.TB, options ...option) *fixture {
	tb.Helper()
	f := &fixture{backend: &backend{}, documents: &documents{}, lookups: map[string]int{}, config: config.Config{
		Service: config.Service{Namespace: "default", Name: "docs", Replicas: 2},
		Cache: config.Cache{
			Enabled: true, TTLSearch: config.Duration(time.Hour), TTLLLM: config.Duration(15 * time.Minute), LocalMaxBytes: 64 << 20,
		},
	}}
	o := cache.Options{
		Config:  func() *config.Config { f.mu.Lock(); defer f.mu.Unlock(); c := f.config; return &c },
		Control: f.documents,
		Now:     func() time.Time { f.mu.Lock(); defer f.mu.Unlock(); return time.Now().Add(f.passed) },
		OnLookup: func(kind, layer, outcome string) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.lookups[kind+" "+layer+" "+outcome]++
		},
	}
	for _, apply := range options {
		apply(&o, f)
	}
	f.Cache = cache.New(o)
	tb.Cleanup(func() { f.close(tb) })
	f.retriever, f.generator = f.Retriever(f.backend), f.Generator(f.backend)
	return f
}

// close waits for what is written to Redis.
func (f *fixture) close(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := f.Close(ctx); err != nil {
		tb.Error(err)
	}
}

func (f *fixture) pass(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.passed += d
}

func (f *fixture) configure(change func(*config.Cache)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.config.Cache)
}

func (f *fixture) lookedUp(what string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.lookups[what]
}

func query(tenant, text string) rag.Query {
	return rag.Query{Tenant: tenant, Text: text, TopK: 5, Mode: rag.ModeKeyword}
}

func prompt(tenant, text string, documents ...string) rag.Prompt {
	p := rag.Prompt{Tenant: tenant, Query: text, Model: "m:1", Temperature: 0.2, MaxTokens: 10}
	for _, h := range found(text, documents...).Hits {
		p.Passages = append(p.Passages, h.Chunk)
	}
	return p
}

// search expects an outcome, and returns what was found.
func (f *fixture) search(t *testing.T, q rag.Query, want rag.CacheOutcome) rag.Retrieval {
	t.Helper()
	got, err := f.retriever.Retrieve(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if got.Cache.Outcome != want {
		t.Errorf("search: %s, want %s", got.Cache.Outcome, want)
	}
	return got
}

// answer expects an outcome, and returns the tokens that were told.
func (f *fixture) answer(t *testing.T, p rag.Prompt, want rag.CacheOutcome) []rag.Piece {
	t.Helper()
	var told []rag.Piece
	got, err := f.generator.Generate(t.Context(), p, func(piece rag.Piece) error {
		told = append(told, piece)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.Cache.Outcome != want {
		t.Errorf("answer: %s, want %s", got.Cache.Outcome, want)
	}
	if diff := cmp.Diff(got.Pieces, told); diff != "" {
		t.Errorf("tokens told are not those of the completion (-completion +told):\n%s", diff)
	}
	return told
}

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
				case got.Cache == rag.CacheInfo{Outcome: rag.CacheHit}:
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

func TestTimeToLive(t *testing.T) {
	t.Parallel()
	empty := func(context.Context, rag.Query) (rag.Retrieval, error) {
		return rag.Retrieval{Mode: rag.ModeKeyword}, nil
	}
	tests := map[string]struct {
		retrieve      func(context.Context, rag.Query) (rag.Retrieval, error)
		fresh, expiry time.Duration
	}{
		"a result":                  {nil, 53 * time.Minute, time.Hour},
		"a result without anything": {empty, 53 * time.Second, time.Minute},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.backend.retrieve = test.retrieve
			f.search(t, query("acme", "q"), rag.CacheMiss)
			f.pass(test.fresh) // a tenth of the time is left out at random
			f.search(t, query("acme", "q"), rag.CacheHit)
			f.pass(test.expiry - test.fresh)
			f.search(t, query("acme", "q"), rag.CacheMiss)
		})
	}
}

func TestWhatIsNotKept(t *testing.T) {
	t.Parallel()
	down := &rag.Error{Kind: rag.ErrSearchUnavailable, Message: "down"}
	tests := map[string]func(context.Context, rag.Query) (rag.Retrieval, error){
		"an error": func(context.Context, rag.Query) (rag.Retrieval, error) { return rag.Retrieval{}, down },
		"a degraded result": func(context.Context, rag.Query) (rag.Retrieval, error) {
			r := found("x", "doc")
			r.Degraded = true
			return r, nil
		},
		"what JSON has no form for": func(context.Context, rag.Query) (rag.Retrieval, error) {
			r := found("x", "doc")
			r.Hits[0].Score = math.NaN()
			return r, nil
		},
		"a panic": func(context.Context, rag.Query) (rag.Retrieval, error) { panic("a bug") },
	}
	for name, retrieve := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.backend.retrieve = retrieve
			for range 3 {
				got, err := f.retriever.Retrieve(t.Context(), query("acme", "q"))
				if err == nil && got.Cache.Outcome != rag.CacheMiss {
					t.Errorf("%s, want MISS", got.Cache.Outcome)
				}
			}
			if got := f.backend.calls.Load(); got != 3 {
				t.Errorf("%d calls, want 3", got)
			}
		})
	}
}

func TestBrokenAnswerIsNotKept(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	broken := &rag.Error{Kind: rag.ErrLLMUnavailable, Message: "broken off"}
	f.backend.generate = func(_ context.Context, _ rag.Prompt, emit func(rag.Piece) error) (rag.Completion, error) {
		return rag.Completion{}, errors.Join(emit(rag.Piece{Text: "It "}), broken)
	}
	told := 0
	_, err := f.generator.Generate(t.Context(), prompt("acme", "q", "doc"), func(rag.Piece) error { told++; return nil })
	if !errors.Is(err, rag.ErrLLMUnavailable) || told != 1 {
		t.Errorf("%v after %d tokens, want ErrLLMUnavailable after 1", err, told)
	}
	f.backend.generate = nil
	f.answer(t, prompt("acme", "q", "doc"), rag.CacheMiss)
}

func TestWhichAnswersAreKept(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		model, finish string
		again         rag.CacheOutcome
	}{
		"one that ended by itself":             {"m:1", "stop", rag.CacheHit},
		"one that was cut off at its length":   {"m:1", "length", rag.CacheMiss},
		"one that was filtered":                {"m:1", "content_filter", rag.CacheMiss},
		"one that another model wrote":         {"m:2", "stop", rag.CacheMiss},
		"one whose model did not say its name": {"", "stop", rag.CacheMiss},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.backend.generate = func(_ context.Context, _ rag.Prompt, emit func(rag.Piece) error) (rag.Completion, error) {
				token := rag.Piece{Text: "It"}
				return rag.Completion{Pieces: []rag.Piece{token}, Model: test.model, FinishReason: test.finish}, emit(token)
			}
			f.answer(t, prompt("acme", "q", "doc"), rag.CacheMiss)
			f.answer(t, prompt("acme", "q", "doc"), test.again)
		})
	}
}

func TestUnconfirmedTokenIsNotServed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.search(t, query("acme", "q"), rag.CacheMiss)
	f.documents.unsure.Store(true)
	f.search(t, query("acme", "q"), rag.CacheMiss)
	f.search(t, query("acme", "new"), rag.CacheMiss)
	f.documents.unsure.Store(false)
	f.search(t, query("acme", "q"), rag.CacheHit)
	f.search(t, query("acme", "new"), rag.CacheMiss) // was not kept meanwhile
}

// While a change is under way the index may show more of it any moment.
func TestWhatIsFoundDuringAChangeIsKeptForSeconds(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.documents.open.Store(true)
	f.search(t, query("acme", "q"), rag.CacheMiss)
	f.search(t, query("acme", "q"), rag.CacheHit)
	f.pass(2 * time.Second)
	f.search(t, query("acme", "q"), rag.CacheMiss)
}

// While the token is not confirmed, a search may be shared by requests that came before it began, and by no others.
func TestUnconfirmedSearchesAreSharedWhileTheyWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.documents.unsure.Store(true)
		version := atomic.Int64{} // of the documents, as the engine sees them when a search begins
		f.backend.retrieve = func(context.Context, rag.Query) (rag.Retrieval, error) {
			seen := version.Load()
			time.Sleep(50 * time.Millisecond)
			return found(strconv.FormatInt(seen, 10), "doc"), nil
		}
		var wg sync.WaitGroup
		ask := func() {
			oldest := version.Load()
			got, err := f.retriever.Retrieve(t.Context(), query("acme", "q"))
			if err != nil {
				t.Error(err)
				return
			}
			if seen, _ := strconv.ParseInt(got.Hits[0].Text, 10, 64); seen < oldest {
				t.Errorf("a request that began at version %d was shown %d", oldest, seen)
			}
		}
		for range 10 {
			for range 100 {
				wg.Go(ask)
			}
			time.Sleep(10 * time.Millisecond)
			version.Add(1)
		}
		wg.Wait()
		// One at once, one at its end, one at the end of that: the last requests came at 90 ms.
		if got := f.backend.calls.Load(); got != 3 {
			t.Errorf("%d searches for 1,000 requests in 100 ms, want 3", got)
		}
		f.documents.unsure.Store(false)
		f.search(t, query("acme", "q"), rag.CacheMiss) // nothing was kept
	})
}

func TestUnconfirmedSearchDoesNotWaitLongForOneThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.documents.unsure.Store(true)
		release := make(chan struct{})
		f.backend.retrieve = func(context.Context, rag.Query) (rag.Retrieval, error) {
			if f.backend.calls.Load() == 1 {
				<-release
			}
			return found("x", "doc"), nil
		}
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = f.retriever.Retrieve(t.Context(), query("acme", "q")) })
		synctest.Wait()
		start := time.Now()
		f.search(t, query("acme", "q"), rag.CacheMiss)
		if took := time.Since(start); took != 100*time.Millisecond {
			t.Errorf("waited %v for a search that hangs, want 100ms", took)
		}
		close(release)
		wg.Wait()
	})
}

func TestNothingFoundBeforeAChangeIsServedAfterIt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.search(t, query("acme", "q"), rag.CacheMiss)
	f.documents.change()
	f.search(t, query("acme", "q"), rag.CacheMiss)
	f.search(t, query("acme", "q"), rag.CacheHit)
}

func TestWhatWasFoundWhileTheDocumentsChangedIsNotKept(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.backend.retrieve = func(context.Context, rag.Query) (rag.Retrieval, error) {
		f.documents.change()
		return found("x", "doc"), nil
	}
	f.search(t, query("acme", "q"), rag.CacheMiss)
	f.documents.token.Add(-1) // as if the first token came back, to see whether anything was kept under it
	f.search(t, query("acme", "q"), rag.CacheMiss)
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

func TestForgetInMemory(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	both, other := prompt("acme", "both", "doc", "other"), prompt("acme", "other", "other")
	elsewhere := prompt("umbrella", "q", "doc")
	for _, p := range []rag.Prompt{both, other, elsewhere} {
		f.answer(t, p, rag.CacheMiss)
	}
	f.search(t, query("acme", "q"), rag.CacheMiss)
	f.Forget(t.Context(), "acme", "doc")
	f.answer(t, both, rag.CacheMiss)
	f.answer(t, other, rag.CacheHit)
	f.answer(t, elsewhere, rag.CacheHit)
	f.search(t, query("acme", "q"), rag.CacheMiss)
}

func TestAnswerThatIsWrittenWhileItsDocumentIsForgottenIsNotKept(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.backend.generate = func(ctx context.Context, p rag.Prompt, _ func(rag.Piece) error) (rag.Completion, error) {
		f.Forget(ctx, "acme", "doc")
		return rag.Completion{Model: p.Model, FinishReason: rag.FinishStop}, nil
	}
	f.answer(t, prompt("acme", "q", "doc"), rag.CacheMiss)
	f.answer(t, prompt("acme", "q", "doc"), rag.CacheMiss)
}
