package rag

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

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
	if !errors.Is(err, down) {
		t.Fatalf("got %v, want the error of the store", err)
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
	if _, err := p.service(testSettings).Ingest(t.Context(), Identity{}, documents("a"), func(DocumentResult) error { return nil },
		IngestOptions{Refresh: true}); err != nil {
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
	_, err := p.service(testSettings).Ingest(t.Context(), Identity{}, documents("a", "b"), func(DocumentResult) error { return gone },
		IngestOptions{Refresh: true})
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
		{"perhaps gone: made visible in the background", &Error{Kind: ErrSearchTimeout, Message: "late"}, []string{"begin", "delete a", "refresh",
			"publish"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := &ports{remove: func(string) error { return tt.err }}
			service := p.service(testSettings)
			if err := service.DeleteDocument(t.Context(), Identity{}, "a"); !errors.Is(err, tt.err) {
				t.Errorf("got %v, want %v", err, tt.err)
			}
			if err := service.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(tt.want, p.calls); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// leaving is a store whose caller leaves while it writes.
type leaving struct {
	DocumentStore
	leave context.CancelFunc
	saw   error
}

func (l *leaving) Write(ctx context.Context, _ string, docs []ChunkedDocument) ([]WriteResult, error) {
	l.leave()
	l.saw = ctx.Err()
	return created(docs)
}

// A write that has begun runs to its end, whoever leaves: half of one would be found or not, by chance.
func TestAWriteOutlivesItsCaller(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	service := (&ports{}).service(testSettings)
	store := &leaving{DocumentStore: service.Documents, leave: leave}
	service.Documents = store
	_, _ = service.Ingest(ctx, Identity{}, documents("a"), func(DocumentResult) error { return nil }, IngestOptions{Refresh: true})
	if ctx.Err() == nil {
		t.Fatal("nothing was written")
	}
	if store.saw != nil {
		t.Errorf("the write ended with its caller: %v", store.saw)
	}
}

// A batch is small enough for one request to the store, and a document longer than a batch is alone in one.
func TestBatchesAreBoundedInBytes(t *testing.T) {
	var batches [][]string
	p := &ports{write: func(docs []ChunkedDocument) ([]WriteResult, error) {
		var ids []string
		for _, d := range docs {
			ids = append(ids, d.ID)
		}
		batches = append(batches, ids)
		return created(docs)
	}}
	sizes := []int{batchBytes / 2, batchBytes / 2, 1, 3 * batchBytes, 1, batchBytes}
	next := func() (Document, error) {
		if len(sizes) == 0 {
			return Document{}, io.EOF
		}
		d := Document{ID: fmt.Sprintf("%d-%d", len(sizes), sizes[0]), Text: strings.Repeat("wordwordwordwor ", sizes[0]/16) + "x"}
		d.Text = d.Text[:sizes[0]]
		sizes = sizes[1:]
		return d, nil
	}
	if _, err := p.service(testSettings).Ingest(t.Context(), Identity{}, next, func(DocumentResult) error { return nil },
		IngestOptions{Refresh: true}); err != nil {
		t.Fatal(err)
	}
	var counts []int
	for _, b := range batches {
		counts = append(counts, len(b))
	}
	if diff := cmp.Diff([]int{2, 1, 1, 1, 1}, counts); diff != "" {
		t.Errorf("documents by batch (-want +got):\n%s", diff)
	}
}

// A long document is written before the next one is read: the caller may let no other upload read meanwhile.
func TestLongDocumentIsWrittenAtOnce(t *testing.T) {
	written := false
	p := &ports{write: func(docs []ChunkedDocument) ([]WriteResult, error) {
		written = true
		return created(docs)
	}}
	sent := false
	next := func() (Document, error) {
		if sent {
			if !written {
				t.Error("the next document was asked for before the long one was written")
			}
			return Document{}, io.EOF
		}
		sent = true
		return Document{ID: "long", Text: strings.Repeat("wordwordwordwor ", batchBytes/16+1)}, nil
	}
	if _, err := p.service(testSettings).Ingest(t.Context(), Identity{}, next, func(DocumentResult) error { return nil }, IngestOptions{}); err != nil {
		t.Fatal(err)
	}
}

// What was begun runs to its end when the caller leaves in the middle.
func TestCallerWhoLeavesInTheMiddle(t *testing.T) {
	for name, test := range map[string]struct {
		do   func(context.Context, *Service) error
		want []string
	}{
		"upload": {
			func(ctx context.Context, s *Service) error {
				_, err := s.Ingest(ctx, Identity{}, documents("a"), func(DocumentResult) error { return nil }, IngestOptions{Refresh: true})
				return err
			},
			[]string{"begin", "write 1", "refresh", "publish", "settle"},
		},
		"upload that does not wait": {
			func(ctx context.Context, s *Service) error {
				_, err := s.Ingest(ctx, Identity{}, documents("a"), func(DocumentResult) error { return nil }, IngestOptions{})
				return err
			},
			[]string{"begin", "write 1", "refresh", "publish"},
		},
		"deletion": {
			func(ctx context.Context, s *Service) error { return s.DeleteDocument(ctx, Identity{}, "a") },
			[]string{"begin", "delete a", "publish", "forget a", "settle"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, leave := context.WithCancel(t.Context())
			p := &ports{
				write:  func(docs []ChunkedDocument) ([]WriteResult, error) { leave(); return created(docs) },
				remove: func(string) error { leave(); return nil },
			}
			service := p.service(testSettings)
			if err := test.do(ctx, service); err != nil {
				t.Errorf("it ended with %v", err)
			}
			if err := service.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(test.want, p.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// Close waits for a write whose caller has left.
func TestCloseWaitsForWhatWasBegun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, ended := make(chan struct{}), false
		p := &ports{write: func(docs []ChunkedDocument) ([]WriteResult, error) {
			<-release
			ended = true
			return created(docs)
		}}
		service := p.service(testSettings)
		go func() {
			_, _ = service.Ingest(t.Context(), Identity{}, documents("a"), func(DocumentResult) error { return nil }, IngestOptions{})
		}()
		synctest.Wait()
		time.AfterFunc(time.Second, func() { close(release) })
		if err := service.Close(t.Context()); err != nil || !ended {
			t.Errorf("Close returned %v, and the write had ended: %t", err, ended)
		}
	})
}

// Uploads wait their turn by bytes; who waits too long is told before anything of it was written.
func TestUploadsWaitTheirTurn(t *testing.T) {
	large := func() func() (Document, error) {
		sent := false
		return func() (Document, error) {
			if sent {
				return Document{}, io.EOF
			}
			sent = true
			return Document{ID: "large", Text: strings.Repeat("wordwordwordwor ", maxBytesInWork/16)}, nil
		}
	}
	synctest.Test(t, func(t *testing.T) {
		writing := make(chan chan struct{}, 2)
		p := &ports{write: func(docs []ChunkedDocument) ([]WriteResult, error) {
			release := make(chan struct{})
			writing <- release
			<-release
			return created(docs)
		}}
		service := p.service(testSettings)
		upload := func() chan error {
			ended := make(chan error, 1)
			go func() {
				_, err := service.Ingest(t.Context(), Identity{}, large(), func(DocumentResult) error { return nil }, IngestOptions{})
				ended <- err
			}()
			synctest.Wait()
			return ended
		}
		first, second := upload(), upload()
		release := <-writing
		if len(writing) > 0 {
			t.Fatal("two of the largest documents are written at once")
		}
		third := upload()
		time.Sleep(workTimeout - time.Second)
		close(release)
		release = <-writing
		time.Sleep(2 * time.Second)
		if err := <-third; !errors.Is(err, ErrOverloaded) {
			t.Errorf("who waited too long got %v, want overloaded", err)
		}
		close(release)
		if err := <-first; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("whose write took longer than writeTimeout got %v", err)
		}
		if err := errors.Join(<-second, service.Close(t.Context())); err != nil {
			t.Error(err)
		}
		if begun := strings.Count(strings.Join(p.calls, " "), "begin"); begun != 2 {
			t.Errorf("%d changes were begun, want 2", begun)
		}
	})
}
