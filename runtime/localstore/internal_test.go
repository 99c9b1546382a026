package localstore

import (
	"strings"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

func versioned(t *testing.T, version string, chunks int) rag.ChunkedDocument {
	t.Helper()
	d, err := rag.ChunkAndHash(rag.Document{ID: "a", Title: version, Text: strings.Repeat("plate ", chunks)}, rag.RetrievalSettings{ChunkWords: 1})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func openStore(t *testing.T, o Options) *Store {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func mustWrite(t *testing.T, s *Store, d rag.ChunkedDocument) {
	t.Helper()
	if results, err := s.Write(t.Context(), "t", []rag.ChunkedDocument{d}); err != nil || results[0].Err != nil {
		t.Fatalf("Write: %v, %v", results, err)
	}
}

// wantOnly wants a search to find the chunks of one version, and no others.
func wantOnly(t *testing.T, s *Store, version string, chunks int) {
	t.Helper()
	found, err := rag.NewRetriever(s).Retrieve(t.Context(), rag.Query{Tenant: "t", Text: "plate", TopK: 50})
	if err != nil || found.Total != chunks {
		t.Errorf("found %d chunks, %v; want %d", found.Total, err, chunks)
	}
	for _, hit := range found.Hits {
		if hit.Title != version {
			t.Errorf("chunk %s is of version %s, want %s", hit.ID, hit.Title, version)
		}
	}
}

// A write that was killed after its mark, or after its chunks, is mended after a restart by sending the document again, in
// any version, or by deleting it.
func TestKilledWriteIsMended(t *testing.T) {
	t.Parallel()
	before, killed, after := versioned(t, "before", 3), versioned(t, "killed", 5), versioned(t, "after", 2)
	for _, chunksWritten := range []bool{false, true} {
		for mend, d := range map[string]*rag.ChunkedDocument{"same": &killed, "later": &after, "earlier": &before, "deletion": nil} {
			t.Run(mend, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				s := openStore(t, Options{Dir: dir})
				mustWrite(t, s, before)
				kill(t, s, killed, chunksWritten)

				s = openStore(t, Options{Dir: dir})
				if got, err := s.Document(t.Context(), "t", "a"); err != nil || got.Title != before.Title {
					t.Errorf("meanwhile the document is %q, %v; want the earlier version", got.Title, err)
				}
				if d == nil {
					if err := s.Delete(t.Context(), "t", "a"); err != nil {
						t.Fatal(err)
					}
					wantOnly(t, s, "", 0)
					return
				}
				mustWrite(t, s, *d)
				wantOnly(t, s, d.Title, len(d.Chunks))
			})
		}
	}
}

// kill does the first steps of a write and closes the store.
func kill(t *testing.T, s *Store, d rag.ChunkedDocument, chunksWritten bool) {
	t.Helper()
	w := writing{store: s, tenant: "t"}
	if err := w.plan(d); err != nil {
		t.Fatal(err)
	}
	if err := w.mark(); err != nil {
		t.Fatal(err)
	}
	if chunksWritten {
		if err := w.replaceChunks(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestKilledDeletionIsMended(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	mustWrite(t, s, versioned(t, "before", 5))
	now := time.Now()
	if err := s.putOne("t", "a", record{Kind: rag.RecordTombstone, Chunks: 5, MarkedAt: now.UnixMilli(), DeletedAt: now}); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), "t", "a"); err != nil {
		t.Fatal(err)
	}
	wantOnly(t, s, "", 0)
}

func TestExpiredTombstonesGo(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s := openStore(t, Options{Now: func() time.Time { return now }})
	for _, id := range []string{"a", "b"} {
		d := versioned(t, "x", 1)
		d.ID = id
		mustWrite(t, s, d)
		if err := s.Delete(t.Context(), "t", id); err != nil {
			t.Fatal(err)
		}
		now = now.Add(tombstoneFor + time.Second)
	}
	if left, err := s.records.DocCount(); err != nil || left != 1 {
		t.Errorf("%d tombstones are left, %v; want the last one alone", left, err)
	}
}

func TestFolderInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	openStore(t, Options{Dir: dir})
	if _, err := Open(Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "another process") {
		t.Errorf("opening a folder twice gave %v, want an error that names it", err)
	}
}
