package localstore_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/localstore"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/test/storetest"
)

func open(t *testing.T, o localstore.Options) *localstore.Store {
	t.Helper()
	store, err := localstore.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() }) // a test may have closed it
	return store
}

func TestContractInMemory(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, now func() time.Time) storetest.Store {
		return open(t, localstore.Options{Now: now})
	})
}

func TestContractInFolder(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, now func() time.Time) storetest.Store {
		return open(t, localstore.Options{Dir: t.TempDir(), Now: now})
	})
}

func TestReopeningFindsAllDocuments(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d, err := rag.ChunkAndHash(rag.Document{ID: "a", Text: "flutter of thin panels"}, rag.RetrievalSettings{ChunkWords: 2})
	if err != nil {
		t.Fatal(err)
	}
	store := open(t, localstore.Options{Dir: dir})
	if _, err := store.Write(t.Context(), "t", []rag.ChunkedDocument{d}); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}

	store = open(t, localstore.Options{Dir: dir})
	got, err := store.Document(t.Context(), "t", "a")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d, got); diff != "" {
		t.Errorf("the document (-want +got):\n%s", diff)
	}
	found, err := rag.NewRetriever(store).Retrieve(t.Context(), rag.Query{Tenant: "t", Text: "panel", TopK: 5})
	if err != nil || len(found.Hits) != 1 || found.Hits[0].ID != "a#1" {
		t.Errorf("found %+v, %v; want a#1", found, err)
	}
	results, err := store.Write(t.Context(), "t", []rag.ChunkedDocument{d})
	if err != nil || results[0].Status != rag.StatusUnchanged {
		t.Errorf("writing it again gave %v, %v; want unchanged", results, err)
	}
}

func TestClosedStoreIsUnavailable(t *testing.T) {
	t.Parallel()
	store := open(t, localstore.Options{})
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := rag.NewRetriever(store).Retrieve(t.Context(), rag.Query{Tenant: "t", Text: "x", TopK: 1}); rag.KindOf(err) != rag.ErrSearchUnavailable {
		t.Errorf("Retrieve gave %v, want search_unavailable", err)
	}
	if _, err := store.Count(t.Context(), "t"); rag.KindOf(err) != rag.ErrSearchUnavailable {
		t.Errorf("Count gave %v, want search_unavailable", err)
	}
}
