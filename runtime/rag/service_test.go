package rag

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ports are fakes of the service's ports: each call appends its name to calls. The adapters have tests of their own
// against real stores; here only the order of the calls and what is made of their results is judged.
type ports struct {
	calls    []string
	retrieve func(Query) (Retrieval, error)
	generate func(context.Context, Prompt, func(Piece) error) (Completion, error)
	write    func([]ChunkedDocument) ([]WriteResult, error)
	remove   func(id string) error
	// refresh and publish may be nil: then they succeed.
	refresh, publish func() error
}

func (p *ports) Retrieve(_ context.Context, q Query) (Retrieval, error) { return p.retrieve(q) }
func (p *ports) Generate(ctx context.Context, pr Prompt, emit func(Piece) error) (Completion, error) {
	return p.generate(ctx, pr, emit)
}
func (p *ports) Write(_ context.Context, _ string, docs []ChunkedDocument) ([]WriteResult, error) {
	p.calls = append(p.calls, fmt.Sprintf("write %d", len(docs)))
	return p.write(docs)
}
func (p *ports) Refresh(context.Context) error { return p.called("refresh", p.refresh) }
func (p *ports) called(name string, do func() error) error {
	p.calls = append(p.calls, name)
	if do == nil {
		return nil
	}
	return do()
}
func (p *ports) Document(context.Context, string, string) (ChunkedDocument, error) {
	return ChunkedDocument{}, nil
}
func (p *ports) Delete(_ context.Context, _, id string) error {
	p.calls = append(p.calls, "delete "+id)
	return p.remove(id)
}
func (p *ports) Count(context.Context, string) (int, error) { return 0, nil }
func (p *ports) Current(context.Context, string) State      { return State{Token: "g", Confirmed: true} }
func (p *ports) Begin(context.Context, string) (Change, error) {
	p.calls = append(p.calls, "begin")
	return p, nil
}
func (p *ports) Publish(context.Context) error { return p.called("publish", p.publish) }
func (p *ports) Abandon()                      {}
func (p *ports) Settle(context.Context) error  { p.calls = append(p.calls, "settle"); return nil }
func (p *ports) Lease(ctx context.Context, _ string, _ time.Duration, work func(context.Context) error) (bool, error) {
	return true, work(ctx)
}
func (p *ports) Forget(_ context.Context, _, id string) { p.calls = append(p.calls, "forget "+id) }
func (p *ports) Peek(context.Context, Prompt) CacheInfo { return CacheInfo{Outcome: CacheMiss} }
func (p *ports) service(settings Settings) *Service {
	return &Service{Retriever: p, Generator: WithCitations(p), Answers: p, Documents: p, Control: p, Forgetter: p, Settings: func() Settings { return settings }}
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
	if got.Text != "Results stay one hour [1]." || len(got.Citations) != 1 || got.Citations[0].ChunkID != "a#1" || !slices.Equal(got.Sources, []string{"https://a"}) {
		t.Errorf("got %+v", got)
	}
}

func TestStreamTellsTheAnswersOutcomeBeforeItsFirstToken(t *testing.T) {
	p := &ports{
		retrieve: func(Query) (Retrieval, error) {
			return Retrieval{Hits: hits(), Cache: CacheInfo{Outcome: CacheHit}}, nil // the passages were cached, the answer is not
		},
		generate: func(_ context.Context, _ Prompt, emit func(Piece) error) (Completion, error) {
			return Completion{Cache: CacheInfo{Outcome: CacheMiss}}, emit(Piece{Text: "x"})
		},
	}
	var told []string
	_, err := p.service(testSettings).Stream(t.Context(), Identity{}, AskRequest{Query: "x"}, RequestOptions{}, StreamEvents{
		Meta:  func(m StreamMeta) error { told = append(told, "meta "+string(m.Cache.Outcome)); return nil },
		Token: func(text string) error { told = append(told, text); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"meta MISS", "x"}, told); diff != "" {
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

func TestIngestIsOneChangeForManyBatches(t *testing.T) {
	p := &ports{write: created}
	var ids, reported []string
	for i := range 130 {
		ids = append(ids, fmt.Sprint(i))
	}
	summary, err := p.service(testSettings).Ingest(t.Context(), Identity{}, documents(ids...),
		func(r DocumentResult) error { reported = append(reported, r.ID); return nil }, IngestOptions{Refresh: true})
	if err != nil || summary.Created != 130 {
		t.Fatalf("got %+v, %v", summary, err)
	}
	if diff := cmp.Diff([]string{"begin", "write 64", "write 64", "write 2", "refresh", "publish", "settle"}, p.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(ids, reported); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
}

func TestIngestTellsWhatWentInAndWhatDidNot(t *testing.T) {
	down := &Error{Kind: ErrSearchUnavailable, Message: "down"}
	batches := 0
	p := &ports{write: func(docs []ChunkedDocument) ([]WriteResult, error) {
		if batches++; batches > 1 {
			return nil, down
		}
		return created(docs)
	}}
	// The second "a" begins a batch of its own, which the store refuses; what follows is not tried.
	statuses := map[int]WriteStatus{}
	summary, err := p.service(testSettings).Ingest(t.Context(), Identity{}, documents("a", "not valid", "b", "a", "c", "c"),
		func(r DocumentResult) error { statuses[r.Index] = r.Status; return nil }, IngestOptions{Refresh: true})
	if err != nil {
		t.Fatal(err)
	}
	want := map[int]WriteStatus{0: StatusCreated, 1: StatusFailed, 2: StatusCreated, 3: StatusFailed, 4: StatusFailed, 5: StatusFailed}
	if diff := cmp.Diff(want, statuses); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	if summary != (IngestSummary{Created: 2, Failed: 4}) || batches != 2 {
		t.Errorf("got %+v after %d batches", summary, batches)
	}
	if !slices.Contains(p.calls, "publish") {
		t.Errorf("what went in was not made visible: %v", p.calls)
	}
}

func TestIngestOfNothingNewIsMadeVisible(t *testing.T) {
	p := &ports{write: func(docs []ChunkedDocument) ([]WriteResult, error) {
		return []WriteResult{{ID: docs[0].ID, Status: StatusUnchanged}}, nil
	}}
	if _, err := p.service(testSettings).Ingest(t.Context(), Identity{}, documents("a"), func(DocumentResult) error { return nil }, IngestOptions{Refresh: true}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"begin", "write 1", "refresh", "publish", "settle"}, p.calls); diff != "" {
		t.Error(diff)
	}
}

func TestIngestOfACallerWhoLeavesPublishesWhatWasWritten(t *testing.T) {
	p := &ports{write: func(docs []ChunkedDocument) ([]WriteResult, error) {
		return []WriteResult{{ID: docs[0].ID, Status: StatusUnchanged}, {ID: docs[1].ID, Status: StatusCreated}}, nil
	}}
	gone := errors.New("gone")
	_, err := p.service(testSettings).Ingest(t.Context(), Identity{}, documents("a", "b"), func(DocumentResult) error { return gone }, IngestOptions{Refresh: true})
	if !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]string{"begin", "write 2", "refresh", "publish", "settle"}, p.calls); diff != "" {
		t.Error(diff)
	}
}

func TestIngestKeepsWhatCameBeforeABrokenBody(t *testing.T) {
	p := &ports{write: created}
	broken := errors.New("broken body")
	next := documents("a")
	summary, err := p.service(testSettings).Ingest(t.Context(), Identity{}, func() (Document, error) {
		d, err := next()
		if errors.Is(err, io.EOF) {
			return d, broken
		}
		return d, err
	}, func(DocumentResult) error { return nil }, IngestOptions{Refresh: true})
	if !errors.Is(err, broken) || summary.Created != 1 {
		t.Errorf("got %+v, %v", summary, err)
	}
	if diff := cmp.Diff([]string{"begin", "write 1", "refresh", "publish", "settle"}, p.calls); diff != "" {
		t.Error(diff)
	}
}

func TestIngestThatNobodyWaitsForIsFinishedAfterAnOutage(t *testing.T) {
	down := &Error{Kind: ErrSearchUnavailable, Message: "down"}
	// failing makes a call fail once, the first time that it comes after another.
	failing := func(p *ports, after string) func() error {
		failed := false
		return func() error {
			if failed || !slices.Contains(p.calls, after) {
				return nil
			}
			failed = true
			return down
		}
	}
	synctest.Test(t, func(t *testing.T) {
		p := &ports{write: created}
		p.refresh, p.publish = failing(p, "write 1"), failing(p, "refresh")
		service := p.service(testSettings)
		if _, err := service.Ingest(t.Context(), Identity{}, documents("a"), func(DocumentResult) error { return nil }, IngestOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := service.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{"begin", "write 1", "refresh", "refresh", "publish", "refresh", "publish"}, p.calls); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}

func TestFinishingInTheBackgroundEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &ports{write: created, refresh: func() error { return &Error{Kind: ErrSearchUnavailable, Message: "down"} }}
		service, began := p.service(testSettings), time.Now()
		if _, err := service.Ingest(t.Context(), Identity{}, documents("a"), func(DocumentResult) error { return nil }, IngestOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := service.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != finishTimeout {
			t.Errorf("it ended after %s, want %s", took, finishTimeout)
		}
	})
}

func TestDeleteOrder(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want []string
	}{
		{"gone", nil, []string{"begin", "delete a", "publish", "forget a", "settle"}},
		{"never known", DocumentNotFound("a"), []string{"begin", "delete a", "publish"}},
		{"perhaps gone", &Error{Kind: ErrSearchTimeout, Message: "late"}, []string{"begin", "delete a", "publish"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := &ports{remove: func(string) error { return tt.err }}
			if err := p.service(testSettings).DeleteDocument(t.Context(), Identity{}, "a"); !errors.Is(err, tt.err) {
				t.Errorf("got %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, p.calls); diff != "" {
				t.Error(diff)
			}
		})
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
