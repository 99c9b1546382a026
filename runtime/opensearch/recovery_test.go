package opensearch_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/opensearch"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// dying is a way to the real OpenSearch that lets some writes through and none after them, as for a server that is killed
// between two writes.
func dying(t *testing.T, writes int64) string {
	t.Helper()
	target, err := url.Parse(backends.OpenSearch(t))
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	var seen atomic.Int64
	return faulty(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/_bulk") && seen.Add(1) > writes {
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, r)
	})
}

// versioned is a version of the document "a" with some chunks of one word each.
func versioned(t *testing.T, version string, chunks int) rag.ChunkedDocument {
	t.Helper()
	d, err := rag.ChunkAndHash(rag.Document{ID: "a", Title: version, Text: strings.Repeat("plate ", chunks)}, rag.RetrievalSettings{ChunkWords: 1})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func write(t *testing.T, store *opensearch.Store, d rag.ChunkedDocument) rag.WriteResult {
	t.Helper()
	results, err := store.Write(t.Context(), t.Name(), []rag.ChunkedDocument{d})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return results[0]
}

// wantOnly wants a search and a reader to see one version, whole, or nothing when chunks is 0.
func wantOnly(t *testing.T, store *opensearch.Store, version string, chunks int) {
	t.Helper()
	found, err := rag.NewRetriever(store).Retrieve(t.Context(), rag.Query{Tenant: t.Name(), Text: "plate", TopK: 50})
	if err != nil {
		t.Fatal(err)
	}
	if found.Total != chunks {
		t.Errorf("a search finds %d chunks, want %d", found.Total, chunks)
	}
	for _, hit := range found.Hits {
		if hit.Title != version {
			t.Errorf("chunk %s is of version %s, want %s", hit.ID, hit.Title, version)
		}
	}
	d, err := store.Document(t.Context(), t.Name(), "a")
	switch {
	case chunks == 0 && rag.KindOf(err) != rag.ErrPaperNotFound:
		t.Errorf("Document: %v, want paper_not_found", err)
	case chunks > 0 && (err != nil || d.Title != version || len(d.Chunks) != chunks):
		t.Errorf("Document is version %s with %d chunks, %v; want %s with %d", d.Title, len(d.Chunks), err, version, chunks)
	}
}

// A write that was killed after any of its steps is mended by sending the document again, in any version, or by deleting
// it; and a reader sees the earlier version meanwhile.
func TestKilledWriteIsMended(t *testing.T) {
	t.Parallel()
	index := newIndex()
	store := open(t, index, opensearch.Options{})
	run(t, store)
	before, killed, after := versioned(t, "before", 3), versioned(t, "killed", 5), versioned(t, "after", 2)
	for _, existed := range []bool{false, true} {
		for writes := range int64(3) {
			for mend, then := range map[string]struct {
				do      func(*testing.T, *opensearch.Store)
				version string
				chunks  int
			}{
				"same version":    {func(t *testing.T, s *opensearch.Store) { write(t, s, killed) }, "killed", 5},
				"later version":   {func(t *testing.T, s *opensearch.Store) { write(t, s, after) }, "after", 2},
				"earlier version": {func(t *testing.T, s *opensearch.Store) { write(t, s, before) }, "before", 3},
				"deletion":        {func(t *testing.T, s *opensearch.Store) { remove(t, s, existed || writes > 0) }, "", 0},
			} {
				t.Run(fmt.Sprintf("existed=%t/%d writes/%s", existed, writes, mend), func(t *testing.T) {
					t.Parallel()
					if existed {
						write(t, store, before)
					}
					if r := write(t, openAt(t, index, dying(t, writes)), killed); rag.KindOf(r.Err) != rag.ErrSearchUnavailable {
						t.Fatalf("the killed write is %s, %v; want search_unavailable", r.Status, r.Err)
					}
					if d, err := store.Document(t.Context(), t.Name(), "a"); existed && (err != nil || d.Text != before.Text) {
						t.Errorf("meanwhile the document is %q, %v; want the earlier version", d.Text, err)
					}
					then.do(t, store)
					wantOnly(t, store, then.version, then.chunks)
				})
			}
		}
	}
}

func TestKilledDeletionIsMended(t *testing.T) {
	t.Parallel()
	index := newIndex()
	store := open(t, index, opensearch.Options{})
	run(t, store)
	for writes := range int64(3) {
		for mend, again := range map[string]bool{"deletion": false, "write": true} {
			t.Run(fmt.Sprintf("%d writes/%s", writes, mend), func(t *testing.T) {
				t.Parallel()
				write(t, store, versioned(t, "before", 5))
				if err := openAt(t, index, dying(t, writes)).Delete(t.Context(), t.Name(), "a"); rag.KindOf(err) != rag.ErrSearchUnavailable {
					t.Fatalf("the killed deletion gave %v, want search_unavailable", err)
				}
				if again {
					write(t, store, versioned(t, "after", 2))
					wantOnly(t, store, "after", 2)
				} else {
					remove(t, store, true)
					wantOnly(t, store, "", 0)
				}
			})
		}
	}
}

// remove deletes the document; known says whether the store has heard of it.
func remove(t *testing.T, store *opensearch.Store, known bool) {
	t.Helper()
	err := store.Delete(t.Context(), t.Name(), "a")
	switch {
	case known && err != nil:
		t.Errorf("Delete: %v", err)
	case !known && rag.KindOf(err) != rag.ErrPaperNotFound:
		t.Errorf("Delete: %v, want paper_not_found", err)
	}
}

// way is a way to OpenSearch that can be cut.
type way struct {
	*httptest.Server
	cut atomic.Bool
}

// throughTo passes requests on to the real OpenSearch.
func throughTo(t *testing.T) http.Handler {
	t.Helper()
	target, err := url.Parse(backends.OpenSearch(t))
	if err != nil {
		t.Fatal(err)
	}
	return httputil.NewSingleHostReverseProxy(target)
}

func newWay(t *testing.T, through http.Handler) *way {
	t.Helper()
	w := &way{}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if w.cut.Load() {
			panic(http.ErrAbortHandler)
		}
		through.ServeHTTP(rw, r)
	}))
	t.Cleanup(w.Close)
	return w
}

// TestShardsThatAreNotThereYet are waited for: an OpenSearch that has just started answers before it can be searched.
func TestShardsThatAreNotThereYet(t *testing.T) {
	t.Parallel()
	index := newIndex()
	if err := open(t, index, opensearch.Options{}).Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	documents := "/" + indicesOf(t, index)[0]
	var made map[string]map[string]any
	askOpenSearch(t, http.MethodGet, documents, nil, &made)
	again := made[documents[1:]]
	settings := again["settings"].(map[string]any)["index"].(map[string]any)
	for _, given := range []string{"creation_date", "provided_name", "uuid", "version"} {
		delete(settings, given)
	}
	settings["routing.allocation.include._name"] = "nobody"
	askOpenSearch(t, http.MethodDelete, documents, nil, nil)
	askOpenSearch(t, http.MethodPut, documents+"?wait_for_active_shards=0", again, nil)
	var failed atomic.Int64
	server := newStore(t, opensearch.Options{
		Config: config.OpenSearch{URLs: []string{backends.OpenSearch(t)}, Index: index}, Timeout: time.Minute,
		Observe: func(operation, outcome string, _ time.Duration) {
			if operation == "search" && outcome != "ok" {
				failed.Add(1)
			}
		},
	})
	runWithout(t, server)
	eventually(t, "the index is tried", func() bool { return failed.Load() > 1 })
	if got := server.State(); got == resilience.HealthUp {
		t.Error("an OpenSearch that cannot be searched is up")
	}
	askOpenSearch(t, http.MethodPut, documents+"/_settings", map[string]any{"index.routing.allocation.include._name": nil}, nil)
	eventually(t, "it is up", func() bool { return server.State() == resilience.HealthUp })
}
