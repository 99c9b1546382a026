package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/middleware"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// TestTimeoutsOfRequests: what a request's context grants to its work.
func TestTimeoutsOfRequests(t *testing.T) {
	for name, tt := range map[string]struct {
		model               time.Duration
		search, ask, stream time.Duration
	}{
		"no model":          {0, time.Minute, time.Minute, 5 * time.Minute},
		"a fast model":      {30 * time.Second, time.Minute, time.Minute, 5 * time.Minute},
		"a slow model":      {2 * time.Minute, time.Minute, 2*time.Minute + 15*time.Second, 5 * time.Minute},
		"the slowest model": {5 * time.Minute, time.Minute, 5*time.Minute + 15*time.Second, 5*time.Minute + 15*time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, func(f *fixture) { f.config.LLM.Timeout = config.Duration(tt.model) })
			got := map[string]time.Duration{}
			note := func(route string) func(context.Context) {
				return func(ctx context.Context) {
					if until, bounded := ctx.Deadline(); bounded {
						got[route] = time.Until(until)
					}
				}
			}
			notes := map[string]func(context.Context){}
			for _, route := range []string{"search", "ask", "stream", "documents", "document"} {
				notes[route] = note(route)
			}
			f.service.search = func(ctx context.Context, _ rag.Identity, _ rag.SearchRequest) (rag.SearchResult, error) {
				notes["search"](ctx)
				return rag.SearchResult{}, nil
			}
			f.service.ask = func(ctx context.Context, _ rag.Identity, _ rag.AskRequest) (rag.Answer, error) {
				notes["ask"](ctx)
				return rag.Answer{}, nil
			}
			f.service.stream = func(ctx context.Context, _ rag.Identity, _ rag.AskRequest, _ rag.StreamEvents) (rag.Answer, error) {
				notes["stream"](ctx)
				return rag.Answer{}, nil
			}
			f.service.ingest = func(ctx context.Context, _ rag.Identity, _ func() (rag.Document, error), _ func(rag.DocumentResult) error,
				_ rag.IngestOptions) (rag.IngestSummary, error) {
				notes["documents"](ctx)
				return rag.IngestSummary{}, nil
			}
			f.service.remove = func(ctx context.Context, _ rag.Identity, _ string) error {
				notes["document"](ctx)
				return nil
			}
			for _, path := range []string{search, ask, stream} {
				f.call("POST", path, `{"query":"x"}`)
			}
			f.call("POST", documents, `[]`, asAdmin)
			f.call("DELETE", documents+"/a", "", asAdmin)
			for route, want := range map[string]time.Duration{
				"search": tt.search, "ask": tt.ask, "stream": tt.stream, "documents": 5 * time.Minute, "document": time.Minute,
			} {
				// What has passed since the request began is not ours to bound: a busy machine may take its time.
				if got[route] <= want-30*time.Second || got[route] > want {
					t.Errorf("%s: %s, want %s", route, got[route], want)
				}
			}
		})
	}
}

// TestTimeIsOver: the end of a request's time is told as the timeout that it is, with how long it was; it is the
// service's failure, unlike a client that leaves.
func TestTimeIsOver(t *testing.T) {
	over := func(r *http.Request) *http.Request {
		ctx, cancel := context.WithDeadlineCause(r.Context(), time.Now().Add(-time.Second), &middleware.TimeoutError{After: 75 * time.Second})
		t.Cleanup(cancel)
		return r.WithContext(ctx)
	}
	left := func(r *http.Request) *http.Request {
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		return r.WithContext(ctx)
	}
	for name, tt := range map[string]struct {
		ends    func(*http.Request) *http.Request
		err     error
		status  int
		code    string
		seconds float64
		failed  bool
	}{
		"of the model": {over, &rag.Error{Kind: rag.ErrLLMTimeout, Message: "m", Cause: context.DeadlineExceeded}, 504,
			"llm_timeout", 75, true},
		"of the model's own":          {over, rag.LLMTimedOut(30*time.Second, nil), 504, "llm_timeout", 30, true},
		"of the search":               {over, &rag.Error{Kind: rag.ErrSearchTimeout, Message: "m"}, 504, "search_timeout", 75, true},
		"of nobody knows what":        {over, fmt.Errorf("work: %w", context.DeadlineExceeded), 503, "overloaded", 0, true},
		"client left":                 {left, fmt.Errorf("work: %w", context.Canceled), 499, "client_closed", 0, false},
		"client left a slow model":    {left, &rag.Error{Kind: rag.ErrLLMTimeout, Message: "m"}, 499, "client_closed", 0, false},
		"fault of a client that left": {left, rag.Invalid(rag.FieldError{Field: "f", Reason: "r"}), 422, "validation_failed", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := build(t)
			f.service.ask = func(context.Context, rag.Identity, rag.AskRequest) (rag.Answer, error) { return rag.Answer{}, tt.err }
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, ask, strings.NewReader(`{"query":"x"}`))
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("X-API-Key", clientKey)
			w := httptest.NewRecorder()
			f.handler.ServeHTTP(w, tt.ends(r))
			var got struct {
				Error struct {
					Code    string
					Details struct {
						Seconds float64 `json:"timeout_seconds"`
					}
				}
			}
			reply{body: w.Body.String()}.decode(t, &got)
			if w.Code != tt.status || got.Error.Code != tt.code || got.Error.Details.Seconds != tt.seconds {
				t.Errorf("%d %+v", w.Code, got.Error)
			}
			if since := f.api.Traffic.Record("acme").Total; (since.Errors == 1) != tt.failed {
				t.Errorf("counted %+v", since)
			}
		})
	}
}

// deadlines is a writer that notes which deadlines it was given, and whether they were still to come.
type deadlines struct {
	*httptest.ResponseRecorder
	read, write []time.Duration
	// reads tells whether the body was at its end when a read deadline was set.
	atEnd func() bool
	late  bool
}

func (d *deadlines) SetReadDeadline(t time.Time) error {
	d.read = append(d.read, time.Until(t))
	d.late = d.late || d.atEnd()
	return nil
}

func (d *deadlines) SetWriteDeadline(t time.Time) error {
	d.write = append(d.write, time.Until(t))
	return nil
}

func (d *deadlines) EnableFullDuplex() error { return nil }

// endOf notes that a reader has come to its end.
type endOf struct {
	io.Reader
	reached bool
}

func (e *endOf) Read(p []byte) (int, error) {
	n, err := e.Reader.Read(p)
	e.reached = e.reached || errors.Is(err, io.EOF)
	return n, err
}

// TestDeadlinesOfConnections: each read of an upload has its 30 s, so that it may last but not stand still, and none
// after its end, where the server listens for the client to leave; each answer and each event has 30 s to be taken.
func TestDeadlinesOfConnections(t *testing.T) {
	about := func(d time.Duration) bool { return d > 0 && d <= 30*time.Second }
	for name, tt := range map[string]struct {
		path, body, contentType string
		reads, writes           int
	}{
		"answer":          {search, `{"query":"x"}`, "application/json", 0, 1},
		"refusal":         {search, `{}`, "application/json", 0, 1},
		"stream":          {stream, `{"query":"x"}`, "application/json", 0, 5},
		"one document":    {documents, `{"id":"a","text":"x"}`, "application/json", 1, 1},
		"array":           {documents, `[{"id":"a","text":"x"},{"id":"b","text":"x"}]`, "application/json", 1, 1},
		"NDJSON":          {documents, "{\"id\":\"a\",\"text\":\"x\"}\n{\"id\":\"b\",\"text\":\"x\"}\n", "application/x-ndjson", 1, 1},
		"streamed NDJSON": {documents + "?stream=true", "{\"id\":\"a\",\"text\":\"x\"}\n{\"id\":\"b\",\"text\":\"x\"}\n", "application/x-ndjson", 1, 3},
	} {
		t.Run(name, func(t *testing.T) {
			f := build(t, func(f *fixture) { f.config.RateLimits = config.RateLimits{} })
			body := &endOf{Reader: strings.NewReader(tt.body)}
			w := &deadlines{ResponseRecorder: httptest.NewRecorder(), atEnd: func() bool { return body.reached }}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, tt.path, body)
			r.Header.Set("Content-Type", tt.contentType)
			r.Header.Set("X-API-Key", adminKey)
			f.handler.ServeHTTP(w, r)
			if len(w.read) < tt.reads || tt.reads == 0 && len(w.read) > 0 || len(w.write) != tt.writes {
				t.Errorf("%d: %d reads and %d writes have a deadline", w.Code, len(w.read), len(w.write))
			}
			for _, d := range append(w.read, w.write...) {
				if !about(d) {
					t.Errorf("a deadline in %s", d)
				}
			}
			if w.late {
				t.Error("a read deadline was set after the end of the body")
			}
		})
	}
}

// TestAnswersAreNotStored: a proxy does not know that keys make answers differ.
func TestAnswersAreNotStored(t *testing.T) {
	f := start(t)
	for _, got := range []reply{
		f.call("POST", search, `{"query":"x"}`), f.call("POST", search, `{}`), f.call("POST", stream, `{"query":"x"}`),
		f.call("GET", "/api/v1/stats", ""), f.call("GET", "/nothing", ""),
	} {
		if got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%d: Cache-Control %q", got.status, got.header.Get("Cache-Control"))
		}
	}
}
