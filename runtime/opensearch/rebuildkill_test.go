package opensearch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/opensearch"
	"github.com/ragservice/ragservice-operator/runtime/terms"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// mortal is the way of a server to OpenSearch, which ends with one of its writes: that one is made, and nobody reads the answer.
type mortal struct {
	*httptest.Server

	mu sync.Mutex
	// writes are those that were made; the server dies with the last-th, unless that is 0.
	writes, last int
	died         chan struct{}
	// survives says that only the answer to that write is lost.
	survives bool
}

func newMortal(t *testing.T, last int) *mortal {
	t.Helper()
	target, err := url.Parse(backends.OpenSearch(t))
	if err != nil {
		t.Fatal(err)
	}
	m := &mortal{last: last, died: make(chan struct{})}
	way := httputil.NewSingleHostReverseProxy(target)
	way.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) } // who asked has died
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-m.died:
			panic(http.ErrAbortHandler)
		default:
		}
		answer := httptest.NewRecorder()
		way.ServeHTTP(answer, r)
		if changes(r) && m.wrote() {
			panic(http.ErrAbortHandler)
		}
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	}))
	t.Cleanup(m.Close)
	return m
}

// changes says whether a request changes something of an index that a rebuild is about; leases go by the clock.
func changes(r *http.Request) bool {
	switch {
	case strings.Contains(r.URL.Path, "lease"):
		return false
	case strings.HasSuffix(r.URL.Path, "/_bulk"), strings.HasSuffix(r.URL.Path, "/_refresh"), strings.HasSuffix(r.URL.Path, "/_aliases"),
		strings.HasSuffix(r.URL.Path, "/_restore"):
		return true
	default:
		return r.Method == http.MethodPut || r.Method == http.MethodDelete
	}
}

func (m *mortal) wrote() (died bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes++
	if m.survives {
		return m.writes == m.last
	}
	if m.writes == m.last {
		close(m.died)
	}
	return m.last > 0 && m.writes >= m.last
}

func (m *mortal) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.writes
}

const rebuildTimeout = 5 * time.Second // twice of it passes before a rebuild deletes the old index

// rebuilding has a server of other languages rebuild an index of three documents, until it dies with a write, or to the end.
func rebuilding(t *testing.T, index string, last int) (writes int, err error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	old, err := opensearch.New(opensearch.Options{
		Config: config.OpenSearch{URLs: []string{backends.OpenSearch(t)}, Index: index}, Timeout: time.Minute, Analyser: terms.New([]string{"en"}),
	})
	if err != nil {
		return 0, err
	}
	defer func() { _ = old.Close() }()
	if err := old.Ensure(ctx); err != nil {
		return 0, err
	}
	for i := range 3 {
		if err := writeText(ctx, old, fmt.Sprintf("kept%d", i), germanText); err != nil {
			return 0, err
		}
	}
	if err := writeText(ctx, old, "gone", germanText); err != nil {
		return 0, err
	}
	if err := old.Delete(ctx, "t", "gone"); err != nil {
		return 0, err
	}
	way := newMortal(t, last)
	up := make(chan struct{}, 1)
	rebuilder, err := opensearch.New(opensearch.Options{
		Config: config.OpenSearch{URLs: []string{way.URL}, Index: index}, Timeout: rebuildTimeout, Analyser: terms.New([]string{"de"}),
		OnHealth: func(isUp bool, _ error) {
			if isUp {
				up <- struct{}{}
			}
		},
	})
	if err != nil {
		return 0, err
	}
	defer func() { _ = rebuilder.Close() }()
	if err := rebuilder.Ensure(ctx); err != nil && last == 0 {
		return 0, err
	}
	var running sync.WaitGroup
	running.Go(func() { rebuilder.Run(ctx) })
	defer running.Wait()
	defer cancel()
	if last > 0 {
		select {
		case <-way.died:
			return last, nil
		case <-time.After(time.Minute):
			return way.count(), fmt.Errorf("write %d never came", last)
		}
	}
	<-up
	if !await(t, func() bool { return len(indicesOf(t, index)) == 1 }) {
		return 0, errors.New("the old index is still there")
	}
	return way.count(), nil
}

// indicesOf are the documents' indices of a service. When they cannot be told there are two, the first of which says why.
func indicesOf(t *testing.T, index string) []string {
	t.Helper()
	found := map[string]any{}
	if err := send(t, http.MethodGet, "/"+index+"-v*", &found); err != nil {
		return []string{err.Error(), "no list"}
	}
	return slices.Sorted(maps.Keys(found))
}

// send is for goroutines, which must not end the test: it asks past the Store and decodes the answer.
func send(t *testing.T, method, path string, out any) error {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, backends.OpenSearch(t)+path, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	return json.NewDecoder(response.Body).Decode(out)
}

// TestRebuildKilledAfterEveryWrite: whichever write is its last, the next server finds everything, writes, and leaves one index. The lease
// of the dead one is taken away; that it ends by itself has a test of its own.
func TestRebuildKilledAfterEveryWrite(t *testing.T) {
	t.Parallel()
	writes, err := rebuilding(t, newIndex(), 0)
	if err != nil || writes < 8 {
		t.Fatalf("a whole rebuild: %d writes, %v; want 8 at least", writes, err)
	}
	t.Logf("a rebuild has %d writes", writes)
	eachWrite(writes, func(last int) {
		index := newIndex()
		if _, err := rebuilding(t, index, last); err != nil {
			t.Errorf("write %d: %v", last, err)
			return
		}
		if err := takenOver(t, index); err != nil {
			t.Errorf("killed after write %d: %v", last, err)
		}
	})
}

// eachWrite tries the first to the last write, some at a time: most of their time they wait, but more of them would keep a machine of two
// processors from answering within the bounds of a server.
func eachWrite(writes int, try func(last int)) {
	turns := make(chan struct{}, 5)
	var tries sync.WaitGroup
	for last := 1; last <= writes; last++ {
		turns <- struct{}{}
		tries.Go(func() {
			defer func() { <-turns }()
			try(last)
		})
	}
	tries.Wait()
}

// nextServer is one that starts after another process has died; its leases are taken away, since that they end by themselves has a test of
// its own. Its errors are for goroutines that must not end the test.
func nextServer(t *testing.T, index string, o opensearch.Options) (next *opensearch.Store, end func(), err error) {
	t.Helper()
	if err := endLease(t, index); err != nil {
		return nil, nil, err
	}
	o.Config.URLs, o.Config.Index, o.Timeout = []string{backends.OpenSearch(t)}, index, rebuildTimeout
	if next, err = opensearch.New(o); err != nil {
		return nil, nil, err
	}
	if err := next.Ensure(t.Context()); err != nil {
		return nil, nil, errors.Join(err, next.Close())
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { next.Run(ctx) })
	return next, func() {
		cancel()
		running.Wait()
		_ = next.Close()
	}, nil
}

func endLease(t *testing.T, index string) error {
	t.Helper()
	return send(t, http.MethodDelete, "/"+index+"-control/_doc/lease-rebuild", new(any))
}

// takenOver has the next server take over.
func takenOver(t *testing.T, index string) error {
	t.Helper()
	next, end, err := nextServer(t, index, opensearch.Options{Analyser: terms.New([]string{"de"})})
	if err != nil {
		return err
	}
	defer end()
	ctx := t.Context()
	if !await(t, func() bool { return strings.HasSuffix(next.Current(ctx, "t").Index, "-de") }) {
		return fmt.Errorf("the index in use is %q", next.Current(ctx, "t").Index)
	}
	if !await(t, func() bool { return writeText(ctx, next, "later", germanText) == nil }) {
		return errors.New("no write goes through")
	}
	if err := next.Refresh(ctx); err != nil {
		return err
	}
	found, err := foundIDs(ctx, next, "Haus") // only German stems find it
	if err != nil {
		return err
	}
	if got, want := slices.Sorted(maps.Keys(found)), []string{"kept0", "kept1", "kept2", "later"}; !slices.Equal(got, want) {
		return fmt.Errorf("a search shows %q, want %q", got, want)
	}
	for _, id := range []string{"kept0", "kept1", "kept2", "later"} {
		if _, err := next.Document(ctx, "t", id); err != nil {
			return fmt.Errorf("%s: %w", id, err)
		}
	}
	if _, err := next.Document(ctx, "t", "gone"); err == nil {
		return errors.New("what was deleted is back")
	}
	if !await(t, func() bool { return len(indicesOf(t, index)) == 1 }) {
		return fmt.Errorf("the indices are %q, want one", indicesOf(t, index))
	}
	return nil
}
