package cache_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

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
		thought       bool
	}{
		"one that ended by itself":             {"m:1", "stop", rag.CacheHit, false},
		"one that was cut off at its length":   {"m:1", "length", rag.CacheMiss, false},
		"one that was filtered":                {"m:1", "content_filter", rag.CacheMiss, false},
		"one that another model wrote":         {"m:2", "stop", rag.CacheMiss, false},
		"one that begins with a thought":       {"m:1", "stop", rag.CacheMiss, true},
		"one whose model did not say its name": {"", "stop", rag.CacheMiss, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.backend.generate = func(_ context.Context, _ rag.Prompt, emit func(rag.Piece) error) (rag.Completion, error) {
				token := rag.Piece{Text: "It"}
				return rag.Completion{Pieces: []rag.Piece{token}, Model: test.model, FinishReason: test.finish, HoldsThought: test.thought}, emit(token)
			}
			f.answer(t, prompt("acme", "q", "doc"), rag.CacheMiss)
			f.answer(t, prompt("acme", "q", "doc"), test.again)
		})
	}
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
	f.Forget(t.Context(), rag.Invalidation{Tenant: "acme", DocumentID: "doc"})
	f.answer(t, both, rag.CacheMiss)
	f.answer(t, other, rag.CacheHit)
	f.answer(t, elsewhere, rag.CacheHit)
	f.search(t, query("acme", "q"), rag.CacheMiss)
}

func TestAnswerThatIsWrittenWhileItsDocumentIsForgottenIsNotKept(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.backend.generate = func(ctx context.Context, p rag.Prompt, _ func(rag.Piece) error) (rag.Completion, error) {
		f.Forget(ctx, rag.Invalidation{Tenant: "acme", DocumentID: "doc"})
		return rag.Completion{Model: p.Model, FinishReason: rag.FinishStop}, nil
	}
	f.answer(t, prompt("acme", "q", "doc"), rag.CacheMiss)
	f.answer(t, prompt("acme", "q", "doc"), rag.CacheMiss)
}
