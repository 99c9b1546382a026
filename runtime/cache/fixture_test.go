package cache_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
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
	answers      atomic.Pointer[rag.AnswerTokens]
	begun        time.Time // when the token was last confirmed, while unsure
}

func (d *documents) Current(context.Context, string) rag.State {
	return rag.State{
		Token: rag.Token(strconv.FormatInt(d.token.Load()+1, 10)), Confirmed: !d.unsure.Load(), LastConfirmed: d.begun,
		Open: d.open.Load(), Index: "documents-v1", Answers: d.answers.Load(),
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
	generator rag.Generator
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
	f := &fixture{backend: &backend{}, documents: &documents{begun: time.Now()}, lookups: map[string]int{}, config: config.Config{
		Service: config.Service{Namespace: "default", Name: "docs", Replicas: 2},
		Cache: config.Cache{
			Enabled: true, TTLSearch: config.Duration(time.Hour), TTLLLM: config.Duration(15 * time.Minute), LocalMaxBytes: 64 << 20, JitterPercent: 10,
		},
	}}
	o := cache.Options{
		Config:  func() *config.Config { f.mu.Lock(); defer f.mu.Unlock(); c := f.config; return &c },
		Control: f.documents,
		Now:     func() time.Time { f.mu.Lock(); defer f.mu.Unlock(); return time.Now().Add(f.passed) },
		OnLookup: func(kind rag.CacheKind, layer, outcome string) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.lookups[string(kind)+" "+layer+" "+outcome]++
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

// foretold is how a prompt is about to be served; nothing is worked out for it.
func (f *fixture) foretold(ctx context.Context, p rag.Prompt) rag.CacheInfo {
	var told rag.CacheInfo
	p.Cache.Serving = func(info rag.CacheInfo) error {
		told = info
		return errors.New("enough")
	}
	_, _ = f.generator.Generate(ctx, p, func(rag.Piece) error { return nil })
	return told
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
