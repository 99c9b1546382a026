package httpapi_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

func TestPanicIsA500(t *testing.T) {
	f := start(t)
	f.service.search = func(context.Context, rag.Identity, rag.SearchRequest) (rag.SearchResult, error) {
		panic("index out of range")
	}
	got := f.call("POST", search, `{"query":"x"}`)
	if code, _ := got.errorOf(t); got.status != 500 || code != "internal" || strings.Contains(got.body, "index") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if log := f.log.String(); !strings.Contains(log, `"event":"panic_recovered"`) || !strings.Contains(log, "robust_test.go") ||
		!strings.Contains(log, `"status":500`) {
		t.Errorf("no stack, or no request in the log:\n%s", log)
	}
	if since := f.api.Traffic.Record("acme").Total; since.Errors != 1 {
		t.Errorf("counted %+v", since)
	}
}

// TestPanicInAStream cuts the connection: the client must not take a part for the whole.
func TestPanicInAStream(t *testing.T) {
	f := start(t)
	f.service.stream = func(_ context.Context, _ rag.Identity, _ rag.AskRequest, e rag.StreamEvents) (rag.Answer, error) {
		_ = e.Meta(rag.StreamMeta{})
		panic("bug")
	}
	if _, err := io.ReadAll(f.open(t.Context())); err == nil {
		t.Error("the stream ended well")
	}
	f.waitForLog(`"code":"internal"`)
}

// TestSlowBody: a client that does not send what it announced holds a connection no longer than the read timeout.
func TestSlowBody(t *testing.T) {
	f := build(t)
	server := httptest.NewUnstartedServer(f.handler)
	server.Config.ReadHeaderTimeout = time.Minute // the headers come, however busy the machine is
	server.Config.ReadTimeout = 100 * time.Millisecond
	server.Start()
	defer server.Close()
	for _, path := range []string{search, documents} {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_, _ = fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
			path, adminKey)
		got, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(got.Body)
		_ = got.Body.Close()
		if r := (reply{body: string(body)}); got.StatusCode != http.StatusBadRequest || !got.Close {
			t.Errorf("%d, close %v: %s", got.StatusCode, got.Close, r.body)
		}
	}
}

// TestLogHoldsNoSecrets: neither keys, nor queries, nor answers.
func TestLogHoldsNoSecrets(t *testing.T) {
	f := start(t)
	if err := f.api.Log.SetLevel("DEBUG"); err != nil {
		t.Fatal(err)
	}
	f.service.search = func(_ context.Context, _ rag.Identity, r rag.SearchRequest) (rag.SearchResult, error) {
		if r.Query == "canary-query fails" {
			return rag.SearchResult{}, &rag.Error{Kind: rag.ErrSearchTimeout, Message: "m"}
		}
		return goodService().search(t.Context(), rag.Identity{}, r)
	}
	for _, path := range []string{search, ask, stream} {
		f.call("POST", path, `{"query":"canary-query"}`)
	}
	f.call("POST", search, `{"query":"canary-query fails"}`)
	f.call("POST", search, `{"canary-query":1}`)
	f.call("POST", search+"?canary-query=1", `{"query":"x"}`)
	f.call("GET", "/canary-query", "")
	f.call("POST", documents, `{"id":"a","text":"canary-query"}`, asAdmin)
	f.call("GET", "/api/v1/stats", "", "X-API-Key: canary-query-key")
	log := f.log.String()
	for _, secret := range []string{"canary-query", "Attention", clientKey, adminKey} {
		if strings.Contains(log, secret) {
			t.Errorf("%s is in the log:\n%s", secret, log)
		}
	}
	for _, event := range []string{"search_query", "search_completed", "cache_miss", "error_occurred", "request_completed", "documents_written"} {
		if !strings.Contains(log, `"event":"`+event+`"`) {
			t.Errorf("no %s in the log:\n%s", event, log)
		}
	}
}

// TestLostStoreIsLogged: an ingest whose documents all failed is 200, and its cause is in the log.
func TestLostStoreIsLogged(t *testing.T) {
	f := start(t)
	f.service.ingest = func(_ context.Context, _ rag.Identity, next func() (rag.Document, error), report func(rag.DocumentResult) error,
		_ rag.IngestOptions) (rag.IngestSummary, error) {
		d, _ := next()
		err := &rag.Error{Kind: rag.ErrSearchUnavailable, Message: "m", Cause: errors.New("connection refused")}
		return rag.IngestSummary{Failed: 1}, report(rag.DocumentResult{ID: d.ID, Status: rag.StatusFailed, Err: err})
	}
	got := f.call("POST", documents, `[{"id":"a","text":"x"}]`, asAdmin)
	if got.status != 200 || strings.Contains(got.body, "connection refused") || !strings.Contains(got.body, "search_unavailable") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if log := f.log.String(); !strings.Contains(log, "connection refused") || !strings.Contains(log, `"event":"error_occurred"`) {
		t.Errorf("the cause is not in the log:\n%s", log)
	}
}

// FuzzBody: no body of any type makes a 5xx, and every refusal is an envelope.
func FuzzBody(f *testing.F) {
	for _, tt := range badRequests() {
		f.Add(tt.path, tt.body, "application/json")
	}
	for _, body := range []string{`{"query":"x"}`, `{"id":"a","text":"x"}`, "[{},{\"id\":\"a\",\"text\":\"\\u0000\"}]", `{"query":"\`,
		`{"query":"\ud`, "[1,", "{}{}", `{"":{}}`} {
		for _, path := range []string{search, ask, stream, documents, documents + "?stream=true"} {
			f.Add(path, body, "application/json")
			f.Add(path, body, "application/x-ndjson")
		}
	}
	f.Fuzz(func(t *testing.T, path, body, contentType string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
		u, err := r.URL.Parse(path)
		if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(u.Path, "/") {
			t.Skip("not a path that a client can ask for")
		}
		r.URL = u
		r.Header.Set("X-API-Key", adminKey)
		r.Header.Set("Content-Type", contentType)
		w := duplexRecorder{httptest.NewRecorder()}
		build(t, func(f *fixture) { f.config.RateLimits.Limits = nil }).handler.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if w.Code >= 400 {
			if code, _ := (reply{body: w.Body.String()}).errorOf(t); code == "" {
				t.Errorf("no code in %s", w.Body)
			}
		}
	})
}

// duplexRecorder can do what a connection can.
type duplexRecorder struct{ *httptest.ResponseRecorder }

func (duplexRecorder) EnableFullDuplex() error { return nil }
