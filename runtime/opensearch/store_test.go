package opensearch_test

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/opensearch"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/test/backends"
	"github.com/ragservice/ragservice-operator/test/storetest"
)

// newIndex is a name that no other test uses, now or later.
func newIndex() string { return "test-" + strings.ToLower(rand.Text()) }

// open makes a Store on a real OpenSearch.
func open(t *testing.T, index string, o opensearch.Options) *opensearch.Store {
	t.Helper()
	o.Config.URLs, o.Config.Index = []string{backends.OpenSearch(t)}, index
	o.Timeout = time.Minute // other tests load the machine
	return newStore(t, o)
}

// openAt makes a Store whose way to OpenSearch leads through url.
func openAt(t *testing.T, index, url string) *opensearch.Store {
	t.Helper()
	return newStore(t, opensearch.Options{Config: config.OpenSearch{URLs: []string{url}, Index: index}, Timeout: time.Minute})
}

func newStore(t *testing.T, o opensearch.Options) *opensearch.Store {
	t.Helper()
	store, err := opensearch.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// run makes the indices and runs the store until the test ends.
func run(t *testing.T, store *opensearch.Store) {
	t.Helper()
	if err := store.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	runWithout(t, store)
}

// runWithout runs the store, which may find nobody, until the test ends.
func runWithout(t *testing.T, store *opensearch.Store) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() { store.Run(ctx) })
	t.Cleanup(func() { cancel(); ended.Wait() })
}

func TestContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, now func() time.Time) storetest.Store {
		store := open(t, newIndex(), opensearch.Options{Now: now})
		run(t, store)
		return store
	})
}

// TestContractOfShards: the same of an index of several shards, which rank by the statistics of all.
func TestContractOfShards(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, now func() time.Time) storetest.Store {
		store := open(t, newIndex(), opensearch.Options{Config: config.OpenSearch{Shards: 3}, Now: now})
		run(t, store)
		return store
	})
}

func TestEnsureByManyReplicasAtOnce(t *testing.T) {
	t.Parallel()
	index := newIndex()
	var group sync.WaitGroup
	for range 4 {
		store := open(t, index, opensearch.Options{})
		group.Go(func() {
			for range 2 {
				if err := store.Ensure(t.Context()); err != nil {
					t.Errorf("Ensure: %v", err)
				}
			}
		})
	}
	group.Wait()
	store := open(t, index, opensearch.Options{})
	if n, err := store.Count(t.Context(), "t"); err != nil || n != 0 {
		t.Errorf("Count is %d, %v; want 0", n, err)
	}
}

// TestEnsureMakesWhatIsMissing of the two indices.
func TestEnsureMakesWhatIsMissing(t *testing.T) {
	t.Parallel()
	index := newIndex()
	store := open(t, index, opensearch.Options{})
	for _, gone := range []string{"", index + "-control"} {
		if gone != "" {
			askOpenSearch(t, http.MethodDelete, "/"+gone, nil, nil)
		}
		if err := store.Ensure(t.Context()); err != nil {
			t.Fatal(err)
		}
		var found struct{ Found bool }
		if askOpenSearch(t, http.MethodGet, "/"+index+"-control/_doc/control", nil, &found); !found.Found {
			t.Errorf("after %q was deleted there is no control document", gone)
		}
	}
}

// TestServersStartOnAFullDisk: where OpenSearch refuses all writes, one that starts finds what is there.
func TestServersStartOnAFullDisk(t *testing.T) {
	t.Parallel()
	index := newIndex()
	before := open(t, index, opensearch.Options{})
	run(t, before)
	if err := writeText(t.Context(), before, "a", "lift"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is found", func() bool { found, err := foundIDs(t.Context(), before, "lift"); return err == nil && found["a"] })
	// As OpenSearch does below its watermark; but its own block of that goes when it sees that the disk is not full.
	askOpenSearch(t, http.MethodPut, "/"+index+"-*/_settings", map[string]any{"index.blocks.read_only": true}, nil)
	defer askOpenSearch(t, http.MethodPut, "/"+index+"-*/_settings", map[string]any{"index.blocks.read_only": false}, nil)
	store := open(t, index, opensearch.Options{})
	run(t, store)
	if found, err := foundIDs(t.Context(), store, "lift"); err != nil || !found["a"] {
		t.Errorf("found %v, %v; want the document", found, err)
	}
}

// Without Ensure nothing may be written: OpenSearch would make an index of its own with guessed mappings.
func TestNothingIsWrittenWithoutTheIndex(t *testing.T) {
	t.Parallel()
	store := open(t, newIndex(), opensearch.Options{})
	d, err := rag.ChunkAndHash(rag.Document{ID: "a", Text: "lift"}, rag.RetrievalSettings{ChunkWords: 10})
	if err != nil {
		t.Fatal(err)
	}
	if results, err := store.Write(t.Context(), "t", []rag.ChunkedDocument{d}); rag.KindOf(err) != rag.ErrSearchUnavailable {
		t.Errorf("Write gave %v, %v; want search_unavailable", results, err)
	}
	if found, err := rag.NewRetriever(store).Retrieve(t.Context(), rag.Query{Tenant: "t", Text: "lift",
		TopK: 1}); rag.KindOf(err) != rag.ErrSearchUnavailable {
		t.Errorf("Retrieve gave %v, %v; want search_unavailable", found, err)
	}
	store.Run(deadline(t, func() bool { return store.Current(t.Context(), "t").Confirmed })) // makes what is missing
	if results, err := store.Write(t.Context(), "t", []rag.ChunkedDocument{d}); err != nil || results[0].Status != rag.StatusCreated {
		t.Errorf("Write gave %v, %v; want created", results, err)
	}
}

// deadline is a context that ends when done says so.
func deadline(t *testing.T, done func() bool) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	go func() {
		for tick := time.NewTicker(5 * time.Millisecond); !done(); {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
		cancel()
	}()
	return ctx
}
