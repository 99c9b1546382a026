package rag

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ports are fakes of the service's ports: each call appends its name to calls. The adapters have tests of their own
// against real stores; here only the order of the calls and what is made of their results is judged.
type ports struct {
	mu       sync.Mutex // guards calls
	calls    []string
	retrieve func(Query) (Retrieval, error)
	generate func(context.Context, Prompt, func(Piece) error) (Completion, error)
	write    func([]ChunkedDocument) ([]WriteResult, error)
	remove   func(id string) error
	// unfinished lists what the sweeper is to recover.
	unfinished func() []Unfinished
	// refresh and publish may be nil: then they succeed.
	refresh, publish func() error
	// forgot is what was told to ForgetFeedback.
	forgot string
}

func (p *ports) Retrieve(_ context.Context, q Query) (Retrieval, error) { return p.retrieve(q) }
func (p *ports) Generate(ctx context.Context, pr Prompt, emit func(Piece) error) (Completion, error) {
	return p.generate(ctx, pr, emit)
}
func (p *ports) Write(ctx context.Context, _ string, docs []ChunkedDocument) (results []WriteResult, err error) {
	return results, p.called(ctx, fmt.Sprintf("write %d", len(docs)), func() error {
		results, err = p.write(docs)
		return errors.Join(err, ctx.Err())
	})
}
func (p *ports) Refresh(ctx context.Context) error { return p.called(ctx, "refresh", p.refresh) }

// note adds to calls; some come from the background.
func (p *ports) note(call string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, call)
}

// called notes a call, and fails it when its context has ended, as every adapter does.
func (p *ports) called(ctx context.Context, name string, do func() error) error {
	p.note(name)
	if do == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	return do()
}
func (p *ports) Document(context.Context, string, string) (ChunkedDocument, error) {
	return ChunkedDocument{}, nil
}
func (p *ports) Delete(ctx context.Context, _, id string) error {
	return p.called(ctx, "delete "+id, func() error { return errors.Join(p.remove(id), ctx.Err()) })
}
func (p *ports) Unfinished(context.Context, time.Time) ([]Unfinished, error) {
	p.note("unfinished")
	return p.unfinished(), nil
}
func (p *ports) Recover(_ context.Context, u Unfinished) error {
	p.note("recover " + u.ID)
	return nil
}
func (p *ports) Count(context.Context, string) (int, error) { return 0, nil }
func (p *ports) Current(context.Context, string) State      { return State{Token: "g", Confirmed: true} }
func (p *ports) Begin(context.Context, string) (Change, error) {
	p.note("begin")
	return p, nil
}
func (p *ports) Publish(ctx context.Context) error { return p.called(ctx, "publish", p.publish) }
func (p *ports) Abandon()                          {}
func (p *ports) Settle(context.Context) error      { p.note("settle"); return nil }
func (p *ports) Lease(ctx context.Context, _ string, _ time.Duration, work func(context.Context) error) (bool, error) {
	return true, work(ctx)
}
func (p *ports) Invalidate(ctx context.Context, i Invalidation) error {
	return p.called(ctx, fmt.Sprintf("invalidate %+v", i), p.publish)
}
func (p *ports) Forget(_ context.Context, i Invalidation) map[CacheKind]int {
	p.note("forget " + i.DocumentID)
	return map[CacheKind]int{CacheLLM: 2}
}
func (p *ports) service(settings Settings) *Service {
	return &Service{Retriever: p, Generator: WithCitations(p, nil), Documents: p, Control: p, Forgetter: p,
		Settings: func() Settings { return settings }}
}

func created(docs []ChunkedDocument) ([]WriteResult, error) {
	var out []WriteResult
	for _, d := range docs {
		out = append(out, WriteResult{ID: d.ID, Status: StatusCreated})
	}
	return out, nil
}

func documents(ids ...string) func() (Document, error) {
	return func() (Document, error) {
		if len(ids) == 0 {
			return Document{}, io.EOF
		}
		id := ids[0]
		ids = ids[1:]
		return Document{ID: id, Text: "text of " + id}, nil
	}
}

func TestAskAnswersWithCitations(t *testing.T) {
	p := &ports{
		retrieve: func(Query) (Retrieval, error) { return Retrieval{Hits: hits(), Total: 2, Mode: ModeKeyword}, nil },
		generate: func(_ context.Context, pr Prompt, emit func(Piece) error) (Completion, error) {
			if diff := cmp.Diff([]Chunk{hits()[0].Chunk, hits()[1].Chunk}, pr.Passages); diff != "" {
				t.Error(diff)
			}
			for _, token := range []string{"Results stay ", "one hour [", "1", "]."} {
				if err := emit(Piece{Text: token}); err != nil {
					return Completion{}, err
				}
			}
			return Completion{Model: "m", FinishReason: "stop"}, nil
		},
	}
	got, err := p.service(testSettings).Ask(t.Context(), Identity{Tenant: "t"}, AskRequest{Query: "how long?"}, RequestOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got.Text != "Results stay one hour [1]." || len(got.Citations) != 1 || got.Citations[0].ChunkID != "a#1" || !slices.Equal(got.Sources,
		[]string{"https://a"}) {
		t.Errorf("got %+v", got)
	}
}

func TestStreamTellsTheAnswersOutcomeBeforeItsFirstToken(t *testing.T) {
	var told []string
	p := &ports{
		retrieve: func(Query) (Retrieval, error) {
			return Retrieval{Hits: hits(), Cache: CacheInfo{Outcome: CacheHit}}, nil // the passages were cached, the answer is not
		},
		generate: func(_ context.Context, pr Prompt, emit func(Piece) error) (Completion, error) {
			if err := pr.Cache.Tell(CacheInfo{Outcome: CacheMiss}); err != nil {
				return Completion{}, err
			}
			told = append(told, "generate")
			return Completion{Cache: CacheInfo{Outcome: CacheMiss}}, emit(Piece{Text: "x"})
		},
	}
	_, err := p.service(testSettings).Stream(t.Context(), Identity{}, AskRequest{Query: "x"}, RequestOptions{}, StreamEvents{
		Meta:  func(m StreamMeta) error { told = append(told, "meta "+string(m.Cache.Outcome)); return nil },
		Token: func(text string) error { told = append(told, text); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"meta MISS", "generate", "x"}, told); diff != "" {
		t.Error(diff)
	}
}

func TestNothingFoundAsksNoModel(t *testing.T) {
	p := &ports{retrieve: func(Query) (Retrieval, error) { return Retrieval{Mode: ModeKeyword}, nil }}
	got, err := p.service(testSettings).Ask(t.Context(), Identity{}, AskRequest{Query: "x"}, RequestOptions{})
	if err != nil || got.Text != NothingFound || got.ChunksUsed != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestAskIsBoundedByTheModelsTimeout(t *testing.T) {
	settings := testSettings
	settings.Model = ModelSettings{Name: "m", Timeout: time.Millisecond}
	p := &ports{
		retrieve: func(Query) (Retrieval, error) { return Retrieval{Hits: hits()}, nil },
		generate: func(ctx context.Context, _ Prompt, _ func(Piece) error) (Completion, error) {
			<-ctx.Done()
			return Completion{}, ctx.Err()
		},
	}
	if _, err := p.service(settings).Ask(t.Context(), Identity{}, AskRequest{Query: "x"}, RequestOptions{}); !errors.Is(err, ErrLLMTimeout) {
		t.Errorf("got %v, want llm_timeout", err)
	}
}

func TestErrorTree(t *testing.T) {
	err := fmt.Errorf("search: %w", &Error{Kind: ErrSearchTimeout, Message: "late", Cause: context.DeadlineExceeded})
	for _, kind := range []error{ErrSearchTimeout, ErrSearch, ErrRAG, context.DeadlineExceeded} {
		if !errors.Is(err, kind) {
			t.Errorf("%v is not %v", err, kind)
		}
	}
	if errors.Is(err, ErrLLM) || errors.Is(err, ErrSearchUnavailable) {
		t.Error("it is of another branch too")
	}
	if KindOf(errors.New("x")) != ErrRAG {
		t.Error("an unknown error has no kind of its own")
	}
}

func TestWhatCountsAsAnOutageOfTheModel(t *testing.T) {
	for kind, want := range map[*Kind]bool{
		ErrLLM: true, ErrLLMTimeout: true, ErrLLMUnavailable: true, ErrLLMBadAnswer: true,
		ErrLLMRefused: false, ErrSearchTimeout: false, ErrOverloaded: false, ErrValidation: false,
	} {
		if got := ModelUnavailable(fmt.Errorf("asking: %w", &Error{Kind: kind, Message: "m"})); got != want {
			t.Errorf("%v: %t", kind, got)
		}
	}
}
