package opensearch_test

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/opensearch"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// stranger is a server that answers everything alike, keeps connections, and records what it was sent.
type stranger struct {
	net.Listener
	mu       sync.Mutex
	received bytes.Buffer
}

func newStranger(t *testing.T, answer string) *stranger {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &stranger{Listener: listener}
	t.Cleanup(s.leave)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go s.serve(conn, answer)
		}
	}()
	return s
}

func (s *stranger) serve(conn net.Conn, answer string) {
	defer func() { _ = conn.Close() }()
	for piece := make([]byte, 64<<10); ; {
		n, err := conn.Read(piece)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.received.Write(piece[:n])
		s.mu.Unlock()
		if _, err := conn.Write([]byte(answer)); err != nil {
			return
		}
	}
}

// leave gives up the address; connections stay open.
func (s *stranger) leave() { _ = s.Close() }

func (s *stranger) url() string { return "http://" + s.Addr().String() }

func (s *stranger) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.received.String()
}

// httpAnswer is an answer that leaves the connection open.
func httpAnswer(status, header, body string) string {
	return "HTTP/1.1 " + status + "\r\n" + header + "Content-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
}

const nothingFound = "404 Not Found"

func TestStrangersAreSentNothing(t *testing.T) {
	t.Parallel()
	proven := `{"cluster_uuid":"u","version":{"distribution":"opensearch"}}`
	for name, answer := range map[string]string{
		"404 to everything": httpAnswer(nothingFound, "", `{"error":{"type":"index_not_found_exception"},"status":404}`),
		"200 to everything": httpAnswer("200 OK", "", `{"_source":{}}`),
		"a page":            httpAnswer("200 OK", "", `<html></html>`),
		"another search engine": httpAnswer("200 OK", "X-Elastic-Product: Elasticsearch\r\n",
			`{"cluster_uuid":"u","version":{"number":"8.0.0"}}`),
		"a cluster without a UUID": httpAnswer("200 OK", "", `{"version":{"distribution":"opensearch"}}`),
		"leaves after the proof":   httpAnswer("200 OK", "Connection: close\r\n", proven),
		"says more than asked":     httpAnswer("200 OK", "", proven) + "HTTP/1.1 200 OK\r\n\r\n",
		"redis":                    "-ERR unknown command\r\n",
		"too long":                 httpAnswer("200 OK", "", strings.Repeat(" ", 100<<10)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStranger(t, answer)
			for operation, call := range calls {
				var told atomic.Value
				store := at(t, s.url(), opensearch.Options{
					Timeout: time.Minute, Observe: func(_, outcome string, _ time.Duration) { told.Store(outcome) },
				})
				err := call(t.Context(), store)
				if rag.KindOf(err) != rag.ErrSearchUnavailable || !errors.Is(err, opensearch.ErrForeignStore) {
					t.Errorf("%s: %v, want search_unavailable for a foreign store", operation, err)
				}
				if got := told.Load(); got != "foreign_store" {
					t.Errorf("%s: told as %v, want foreign_store", operation, got)
				}
			}
			for line := range strings.Lines(s.text()) {
				if strings.Contains(line, "HTTP/1.1") && line != "GET / HTTP/1.1\r\n" {
					t.Errorf("the stranger was sent %q", line)
				}
			}
			if strings.Contains(s.text(), "lift") {
				t.Error("the stranger was sent a document")
			}
		})
	}
}

// TestOpenSearchIsUsedWhenAStrangerHasLeftItsAddress is the second before a Service's address is programmed: the stranger
// keeps the connections that it has.
func TestOpenSearchIsUsedWhenAStrangerHasLeftItsAddress(t *testing.T) {
	t.Parallel()
	s := newStranger(t, httpAnswer(nothingFound, "", `{}`))
	var foreign, healthy atomic.Bool
	store := newStore(t, opensearch.Options{
		Config:   config.OpenSearch{URLs: []string{s.url()}, Index: newIndex()},
		Timeout:  time.Minute,
		Observe:  func(_, outcome string, _ time.Duration) { foreign.CompareAndSwap(false, outcome == "foreign_store") },
		OnHealth: func(up bool, _ error) { healthy.Store(up) },
	})
	runWithout(t, store)
	eventually(t, "the stranger is known for one", foreign.Load)
	eventually(t, "the reason is told", func() bool { return store.Fault() == "foreign_store" })
	s.leave()
	genuine := httptest.NewUnstartedServer(throughTo(t))
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = genuine.Listener.Close()
	genuine.Listener = listener
	genuine.Start()
	t.Cleanup(genuine.Close)
	eventually(t, "OpenSearch is used", healthy.Load)
	if got := store.Fault(); got != "" {
		t.Errorf("fault while it is up: %q", got)
	}
}

// turncoat is a cluster whose connections pass to somebody else, as behind a proxy, or to another cluster.
type turncoat struct {
	*httptest.Server
	uuid     atomic.Value
	stranger atomic.Bool
	opened   atomic.Int64
}

func newTurncoat(t *testing.T) *turncoat {
	t.Helper()
	c := &turncoat{}
	c.uuid.Store("first")
	counted := answering(http.StatusOK, `{"count":1,"_shards":{"total":1}}`)
	c.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.stranger.Load() && r.URL.Path != "/" {
			counted(w, r)
			return
		}
		uuid, _ := c.uuid.Load().(string)
		proving(uuid, counted)(w, r)
	}))
	c.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			c.opened.Add(1)
		}
	}
	c.Start()
	t.Cleanup(c.Close)
	return c
}

func TestConnectionThatChangesHandsIsLeft(t *testing.T) {
	t.Parallel()
	c := newTurncoat(t)
	store := at(t, c.URL, opensearch.Options{Timeout: time.Minute})
	count := func() error { _, err := store.Count(t.Context(), "t"); return err }
	for range 3 {
		if err := count(); err != nil {
			t.Fatal(err)
		}
	}
	if got := c.opened.Load(); got != 1 {
		t.Errorf("%d connections for calls one after the other, want 1", got)
	}
	c.stranger.Store(true)
	if err := count(); !errors.Is(err, opensearch.ErrForeignStore) {
		t.Errorf("%v, want a foreign store", err)
	}
	c.stranger.Store(false)
	if err := count(); err != nil {
		t.Error(err)
	}
	if got := c.opened.Load(); got != 2 {
		t.Errorf("%d connections, want the first one left and a second", got)
	}
}

func TestAnotherClusterIsRefusedUntilARestart(t *testing.T) {
	t.Parallel()
	c := newTurncoat(t)
	store := at(t, c.URL, opensearch.Options{Timeout: time.Minute, ConnectionLifetime: time.Nanosecond * 10})
	count := func(s *opensearch.Store) error { _, err := s.Count(t.Context(), "t"); return err }
	if err := count(store); err != nil {
		t.Fatal(err)
	}
	c.uuid.Store("second")
	if err := count(store); !errors.Is(err, opensearch.ErrForeignStore) || !strings.Contains(err.Error(), "restart") {
		t.Errorf("another cluster: %v, want a foreign store and the way out", err)
	}
	if err := count(at(t, c.URL, opensearch.Options{Timeout: time.Minute})); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	c.uuid.Store("first")
	if err := count(store); err != nil {
		t.Errorf("the first cluster again: %v", err)
	}
}

func TestClusterThatHasNotFormedIsNoStranger(t *testing.T) {
	t.Parallel()
	c := newTurncoat(t)
	c.uuid.Store("_na_")
	store := at(t, c.URL, opensearch.Options{Timeout: time.Minute})
	_, err := store.Count(t.Context(), "t")
	if rag.KindOf(err) != rag.ErrSearchUnavailable || errors.Is(err, opensearch.ErrForeignStore) {
		t.Errorf("%v, want search_unavailable and no foreign store", err)
	}
	c.uuid.Store("first")
	if _, err := store.Count(t.Context(), "t"); err != nil {
		t.Error(err)
	}
}

func TestConnectionsHaveAGreatestAge(t *testing.T) {
	t.Parallel()
	c := newTurncoat(t)
	store := at(t, c.URL, opensearch.Options{Timeout: time.Minute, ConnectionLifetime: 10 * time.Millisecond})
	eventually(t, "connections are made anew", func() bool {
		if _, err := store.Count(t.Context(), "t"); err != nil {
			t.Fatal(err)
		}
		return c.opened.Load() >= 5
	})
}
