package httpapi_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// pausing is a body that stands still before its last byte, and says when all before it was taken.
type pausing struct {
	text   *strings.Reader
	paused chan struct{}
	goOn   chan struct{}
}

func (p *pausing) Read(into []byte) (int, error) {
	if p.text.Len() == 1 {
		if p.paused != nil {
			close(p.paused)
			p.paused = nil
		}
		<-p.goOn
	}
	return p.text.Read(into[:min(len(into), max(1, p.text.Len()-1))])
}

func longDocument() string { return `{"id":"a","text":"` + strings.Repeat("long ", 1<<20) + `"}` }

func (f *fixture) uploadLong(ctx context.Context, body io.Reader) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, documents, body)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-API-Key", adminKey)
	f.handler.ServeHTTP(w, r)
	return w
}

// TestLongDocumentsAreReadInTurn: while one long document is being read, another one waits with most of it still at its sender, is
// refused when its time is over, and a short one passes.
func TestLongDocumentsAreReadInTurn(t *testing.T) {
	f := build(t)
	long := longDocument()
	first := &pausing{text: strings.NewReader(long), paused: make(chan struct{}), goOn: make(chan struct{})}
	paused, answered := first.paused, make(chan int)
	go func() { answered <- f.uploadLong(context.WithoutCancel(t.Context()), first).Code }()
	<-paused

	hurried, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	rest := strings.NewReader(long)
	refused := f.uploadLong(hurried, rest)
	if refused.Code != http.StatusServiceUnavailable || refused.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s, want 503 with Retry-After", refused.Code, refused.Body)
	}
	if rest.Len() < len(long)/2 {
		t.Errorf("only %d of %d bytes were left at the sender", rest.Len(), len(long))
	}
	if short := f.uploadLong(t.Context(), strings.NewReader(`{"id":"b","text":"short"}`)); short.Code != http.StatusOK {
		t.Errorf("a short document: %d %s", short.Code, short.Body)
	}
	close(first.goOn)
	if code := <-answered; code != http.StatusOK {
		t.Errorf("the first: %d", code)
	}
	// What is no document gives its turn back, too.
	f.uploadLong(t.Context(), strings.NewReader(`"`+strings.Repeat("long ", 1<<19)+`"`))
	if next := f.uploadLong(t.Context(), strings.NewReader(long)); next.Code != http.StatusOK {
		t.Errorf("the next: %d %s", next.Code, next.Body)
	}
}

// TestLongDocumentsWaitForTheWriting: while a long document is being written, another one waits with most of it still at its
// sender, and is refused when its time is over. The service stands in for one whose store is slow.
func TestLongDocumentsWaitForTheWriting(t *testing.T) {
	writing, goOn := make(chan struct{}, 2), make(chan struct{})
	f := build(t, func(f *fixture) {
		f.service.ingest = func(
			ctx context.Context, id rag.Identity, next func() (rag.Document, error), report func(rag.DocumentResult) error, opt rag.IngestOptions,
		) (rag.IngestSummary, error) {
			return ingestAll(ctx, id, next, func(r rag.DocumentResult) error {
				writing <- struct{}{}
				<-goOn
				return report(r)
			}, opt)
		}
	})
	answered := make(chan int)
	go func() {
		answered <- f.uploadLong(context.WithoutCancel(t.Context()), strings.NewReader(longDocument())).Code
	}()
	<-writing

	hurried, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	rest := strings.NewReader(longDocument())
	// Without the turn the second one would be written, too.
	refused := make(chan *httptest.ResponseRecorder, 1)
	go func() { refused <- f.uploadLong(hurried, rest) }()
	select {
	case <-writing:
		t.Error("two long documents are in memory at once")
	case w := <-refused:
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("%d %s, want 503 with Retry-After", w.Code, w.Body)
		}
		if rest.Len() < len(longDocument())/2 {
			t.Errorf("only %d of %d bytes were left at the sender", rest.Len(), len(longDocument()))
		}
	}
	close(goOn)
	if code := <-answered; code != http.StatusOK {
		t.Errorf("the first: %d", code)
	}
	if next := f.uploadLong(t.Context(), strings.NewReader(longDocument())); next.Code != http.StatusOK {
		t.Errorf("the next: %d %s", next.Code, next.Body)
	}
}
