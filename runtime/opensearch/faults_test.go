package opensearch_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/opensearch"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// calls are all that a Store asks of OpenSearch on behalf of a request.
var calls = map[string]func(context.Context, *opensearch.Store) error{
	"search": func(ctx context.Context, s *opensearch.Store) error {
		_, err := rag.NewRetriever(s).Retrieve(ctx, rag.Query{Tenant: "t", Text: "lift", TopK: 5})
		return err
	},
	"read": func(ctx context.Context, s *opensearch.Store) error {
		_, err := s.Document(ctx, "t", "a")
		return err
	},
	"count": func(ctx context.Context, s *opensearch.Store) error {
		_, err := s.Count(ctx, "t")
		return err
	},
	"write": func(ctx context.Context, s *opensearch.Store) error {
		_, err := s.Write(ctx, "t", []rag.ChunkedDocument{{Document: rag.Document{ID: "a", Text: "lift"}, Hash: "h"}})
		return err
	},
	"delete":  func(ctx context.Context, s *opensearch.Store) error { return s.Delete(ctx, "t", "a") },
	"refresh": func(ctx context.Context, s *opensearch.Store) error { return s.Refresh(ctx) },
	"begin":   func(ctx context.Context, s *opensearch.Store) error { _, err := s.Begin(ctx, "t"); return err },
	"lease": func(ctx context.Context, s *opensearch.Store) error {
		_, err := s.Lease(ctx, "work", time.Minute, func(context.Context) error { return nil })
		return err
	},
	"ensure": func(ctx context.Context, s *opensearch.Store) error { return s.Ensure(ctx) },
	"put feedback": func(ctx context.Context, s *opensearch.Store) error {
		return s.PutFeedback(ctx, "t", judgement(1))
	},
	"list feedback": func(ctx context.Context, s *opensearch.Store) error {
		_, err := s.ListFeedback(ctx, "t", nil, 1)
		return err
	},
	"more feedback": func(ctx context.Context, s *opensearch.Store) error {
		_, err := s.ListFeedback(ctx, "t", &rag.FeedbackPlace{}, 1)
		return err
	},
	"forget feedback": func(ctx context.Context, s *opensearch.Store) error { return s.ForgetFeedback(ctx, time.Now(), 1) },
}

// faulty is a server that proves itself, and then answers as a broken OpenSearch does. A real OpenSearch cannot be made to
// give these answers when a test wants them.
func faulty(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(proving("uuid-of-the-test", answer))
	t.Cleanup(server.Close)
	return server.URL
}

// proving answers GET / as a cluster of OpenSearch does, and leaves the rest to answer, with the name of the product.
func proving(uuid string, answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-OpenSearch-Version", "OpenSearch/3.4.0 (opensearch)")
		if r.Method == http.MethodGet && r.URL.Path == "/" {
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `{"cluster_name":"test","cluster_uuid":%q,"version":{"distribution":"opensearch"}}`, uuid)
			return
		}
		answer(w, r)
	}
}

func at(t *testing.T, url string, o opensearch.Options) *opensearch.Store {
	t.Helper()
	o.Config = config.OpenSearch{URLs: []string{url}, Index: "documents"}
	return newStore(t, o)
}

func answering(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// An outage is never an empty result and never a document that is not there.
func TestFaultsAreErrors(t *testing.T) {
	t.Parallel()
	secret := "canary-of-a-document"
	none := map[string]bool{}
	for name, test := range map[string]struct {
		answer http.HandlerFunc
		// fine are the calls whose answer has no body, or none that is read.
		fine map[string]bool
	}{
		"429":            {answering(429, `{"error":{"type":"rejected_execution_exception","reason":"`+secret+`"},"status":429}`), none},
		"500":            {answering(500, `{"error":{"type":"exception","reason":"`+secret+`"},"status":500}`), none},
		"502 of a proxy": {answering(502, `<html>`+secret), none},
		"503":            {answering(503, `{"error":{"type":"search_phase_execution_exception"},"status":503}`), none},
		"401":            {answering(401, ``), none},
		"no such index":  {answering(404, `{"error":{"type":"index_not_found_exception"},"status":404}`), none},
		"not JSON":       {answering(200, secret), map[string]bool{"lease": true}},
		"cut off":        {cutOff, none},
		"empty object":   {answering(200, `{}`), map[string]bool{"lease": true}},
		"partial": {answering(200, `{"count":3,"_shards":{"total":2,"failed":1},"hits":{"total":{"value":0},"hits":[]}}`),
			map[string]bool{"lease": true}},
		"timed out there": {answering(200, `{"timed_out":true,"_shards":{"total":1},"hits":{"total":{"value":0},"hits":[]}}`),
			map[string]bool{"lease": true, "refresh": true, "count": true}},
		"endless":  {endless, none},
		"redirect": {redirect(t), none},
	} {
		url := faulty(t, test.answer)
		for operation, call := range calls {
			if test.fine[operation] {
				continue
			}
			t.Run(name+"/"+operation, func(t *testing.T) {
				t.Parallel()
				err := call(t.Context(), at(t, url, opensearch.Options{Timeout: time.Minute}))
				if rag.KindOf(err) != rag.ErrSearchUnavailable {
					t.Fatalf("%v, want search_unavailable", err)
				}
				var e *rag.Error
				if errors.As(err, &e); e.RetryAfter <= 0 {
					t.Errorf("RetryAfter is %v, want some", e.RetryAfter)
				}
				if strings.Contains(fmt.Sprint(err), secret) {
					t.Errorf("%q tells what OpenSearch said of documents", err)
				}
			})
		}
	}
}

// cutOff promises more than it sends. A HEAD has no body to cut, so its connection is closed instead.
func cutOff(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodHead {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`{"took":1,"timed_out":false,"_shards":{"total":1},"hits":{"total":`))
	}
	panic(http.ErrAbortHandler)
}

// endless sends white space for as long as someone reads. A HEAD would be fine, so it gets a status that is not.
func endless(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	spaces := []byte(strings.Repeat(" ", 1<<20))
	for r.Context().Err() == nil {
		if _, err := w.Write(spaces); err != nil {
			return
		}
	}
}

// redirect points at a server that nobody may ask.
func redirect(t *testing.T) http.HandlerFunc {
	elsewhere := faulty(t, func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("a redirect was followed to %s", r.URL)
	})
	return func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere, http.StatusTemporaryRedirect)
	}
}

func TestSilenceIsATimeout(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	url := faulty(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-release:
		}
	})
	t.Cleanup(func() { close(release) }) // before the server is closed, which waits for its handlers
	for operation, call := range calls {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			err := call(t.Context(), at(t, url, opensearch.Options{Timeout: 50 * time.Millisecond, WriteTimeout: 50 * time.Millisecond}))
			var e *rag.Error
			if !errors.As(err, &e) || e.Kind != rag.ErrSearchTimeout || e.Details["timeout_seconds"] != 0.05 {
				t.Errorf("%v, want search_timeout with its seconds", err)
			}
		})
	}
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	for operation, call := range calls {
		if err := call(t.Context(), at(t, server.URL, opensearch.Options{})); rag.KindOf(err) != rag.ErrSearchUnavailable {
			t.Errorf("%s: %v, want search_unavailable", operation, err)
		}
	}
}

func TestRetryAfterIsPassedOn(t *testing.T) {
	t.Parallel()
	url := faulty(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	var e *rag.Error
	if err := calls["search"](t.Context(), at(t, url, opensearch.Options{})); !errors.As(err, &e) || e.RetryAfter != 7*time.Second {
		t.Errorf("%v, want RetryAfter 7s", err)
	}
}

// What only reads is tried again when the connection breaks, once; what writes is not, for it may have been done.
func TestBrokenConnections(t *testing.T) {
	t.Parallel()
	for operation, want := range map[string]int64{"search": 2, "read": 2, "count": 2, "refresh": 2, "begin": 1} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			url := faulty(t, func(http.ResponseWriter, *http.Request) {
				asked.Add(1)
				panic(http.ErrAbortHandler)
			})
			err := calls[operation](t.Context(), at(t, url, opensearch.Options{}))
			if rag.KindOf(err) != rag.ErrSearchUnavailable || asked.Load() != want {
				t.Errorf("%v after %d requests, want search_unavailable after %d", err, asked.Load(), want)
			}
		})
	}
}

// TestANodeThatEnds breaks all of its connections: what only reads goes to another one.
func TestANodeThatEnds(t *testing.T) {
	t.Parallel()
	const first = 4 // connections are to the node that ends, the others to those that stay
	type number struct{}
	var connections atomic.Int64
	var ends atomic.Bool
	var together sync.WaitGroup // so that each of the first calls has a connection of its own
	together.Add(first)
	server := httptest.NewUnstartedServer(proving("uuid-of-the-test", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !ends.Load():
			together.Done()
			together.Wait()
		case r.Context().Value(number{}).(int64) <= first:
			panic(http.ErrAbortHandler)
		}
		answering(http.StatusOK, `{"_shards":{"total":1,"successful":1,"failed":0}}`)(w, r)
	}))
	server.Config.ConnContext = func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, number{}, connections.Add(1))
	}
	server.Start()
	defer server.Close()
	store := at(t, server.URL, opensearch.Options{})
	var before sync.WaitGroup
	for range first {
		before.Go(func() {
			if err := calls["refresh"](t.Context(), store); err != nil {
				t.Error(err)
			}
		})
	}
	before.Wait()
	ends.Store(true)
	if err := calls["refresh"](t.Context(), store); err != nil {
		t.Errorf("with other nodes there: %v", err)
	}
	if n := connections.Load(); n != first+1 {
		t.Errorf("%d connections, want %d and one to another node", n, first)
	}
}

func TestEveryCallIsObserved(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var seen []string
	url := faulty(t, answering(503, ""))
	observe := func(operation, outcome string, _ time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, operation+" "+outcome)
	}
	for operation, want := range map[string]string{
		"search": "search", "read": "read", "count": "count", "write": "read", "delete": "read",
		"refresh": "refresh", "begin": "control", "lease": "control", "ensure": "ensure",
	} {
		seen = nil
		store := at(t, url, opensearch.Options{Observe: observe}) // of its own: after five failures calls are refused
		if err := calls[operation](t.Context(), store); err == nil {
			t.Errorf("%s: no error", operation)
		}
		if len(seen) != 1 || seen[0] != want+" search_unavailable" {
			t.Errorf("%s was observed as %q, want %q", operation, seen, want+" search_unavailable")
		}
	}
}
