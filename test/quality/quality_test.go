package quality

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/localstore"
	"github.com/ragservice/ragservice-operator/runtime/opensearch"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/test/backends"
	"github.com/ragservice/ragservice-operator/test/storetest"
)

// keywordFloor is what keyword search must reach on both engines. A plain BM25 has 0.499.
const keywordFloor = 0.495

// chunking is the default of a RAGService.
var chunking = rag.RetrievalSettings{ChunkWords: 600, ChunkOverlap: 100}

// cranfield loads the collection, from the folder that RAGSERVICE_CRANFIELD names or from beside the repository. It is
// not part of the repository: without it there is nothing to measure, but in CI it must be there.
func cranfield(tb testing.TB) Collection {
	tb.Helper()
	dir := os.Getenv("RAGSERVICE_CRANFIELD")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data", "cranfield")
		if _, err := os.Stat(dir); os.IsNotExist(err) && os.Getenv("CI") != "true" {
			tb.Skip("the Cranfield collection is not here: set RAGSERVICE_CRANFIELD to a folder with it (docs/retrieval.md says where it comes from and in which form)")
		}
	}
	c, err := Load(dir)
	if err != nil {
		tb.Fatal(err)
	}
	if len(c.Documents) != 1398 || len(c.Questions) != 113 {
		tb.Fatalf("%s has %d documents and %d questions, want 1398 and 113", dir, len(c.Documents), len(c.Questions))
	}
	return c
}

// openEmbedded makes an embedded store in memory.
func openEmbedded(tb testing.TB) storetest.Store {
	tb.Helper()
	store, err := localstore.Open(localstore.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = store.Close() })
	return store
}

// openOpenSearch makes an index of its own on a real OpenSearch.
func openOpenSearch(tb testing.TB) storetest.Store {
	tb.Helper()
	store, err := opensearch.New(opensearch.Options{
		Config:  config.OpenSearch{URLs: []string{backends.OpenSearch(tb)}, Index: "quality-" + strings.ToLower(rand.Text())},
		Timeout: time.Minute, // other tests load the machine
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = store.Close() })
	if err := store.Ensure(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return store
}

// load writes the collection as the service does: in batches of 64, cut into chunks.
func load(tb testing.TB, store storetest.Store, c Collection) {
	tb.Helper()
	for some := range slices.Chunk(c.Documents, 64) {
		batch := make([]rag.ChunkedDocument, len(some))
		for i, d := range some {
			var err error
			if batch[i], err = rag.ChunkAndHash(d, chunking); err != nil {
				tb.Fatal(err)
			}
		}
		results, err := store.Write(tb.Context(), rag.DefaultTenant, batch)
		if err != nil {
			tb.Fatal(err)
		}
		for _, r := range results {
			if r.Status != rag.StatusCreated {
				tb.Fatalf("document %s: %s, %v", r.ID, r.Status, r.Err)
			}
		}
	}
	if err := store.Refresh(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

// rank is the ranking by document: each at the place of its best chunk.
func rank(tb testing.TB, store rag.Index, question string) []string {
	tb.Helper()
	found, err := rag.NewRetriever(store).Retrieve(tb.Context(), rag.Query{Tenant: rag.DefaultTenant, Text: question, TopK: 50, Mode: rag.ModeKeyword})
	if err != nil {
		tb.Fatal(err)
	}
	var ids []string
	for _, hit := range found.Hits {
		if !slices.Contains(ids, hit.DocumentID) {
			ids = append(ids, hit.DocumentID)
		}
	}
	return ids
}

// measure is the mean nDCG@10 over all questions.
func measure(tb testing.TB, store storetest.Store, c Collection) float64 {
	tb.Helper()
	load(tb, store, c)
	var sum float64
	for _, q := range c.Questions {
		sum += NDCG(rank(tb, store, q.Text), q.Relevant)
	}
	return sum / float64(len(c.Questions))
}

// The statistics of bleve depend on how its segments happen to be merged, so its figure is a mean of runs.
func TestKeywordQualityEmbedded(t *testing.T) {
	t.Parallel()
	c := cranfield(t)
	const runs = 3
	var sum float64
	for run := range runs {
		got := measure(t, openEmbedded(t), c)
		t.Logf("embedded, keyword, run %d: nDCG@10 %.4f", run+1, got)
		sum += got
	}
	if mean := sum / runs; mean < keywordFloor {
		t.Errorf("embedded, keyword: mean nDCG@10 %.4f, want at least %.3f", mean, keywordFloor)
	}
}

func TestKeywordQualityOpenSearch(t *testing.T) {
	t.Parallel()
	c := cranfield(t)
	got := measure(t, openOpenSearch(t), c)
	t.Logf("OpenSearch, keyword: nDCG@10 %.4f", got)
	if got < keywordFloor {
		t.Errorf("OpenSearch, keyword: nDCG@10 %.4f, want at least %.3f", got, keywordFloor)
	}
}
