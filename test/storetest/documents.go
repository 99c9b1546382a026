package storetest

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

func (s tenant) wantAbsent(t *testing.T, id string) {
	t.Helper()
	if _, err := s.Document(t.Context(), s.name, id); !errors.Is(err, rag.ErrPaperNotFound) {
		t.Errorf("Document(%q) gave %v, want paper_not_found", id, err)
	}
}

func (s tenant) wantCount(t *testing.T, want int) {
	t.Helper()
	got, err := s.Count(t.Context(), s.name)
	if err != nil || got != want {
		t.Errorf("Count is %d, %v; want %d", got, err, want)
	}
}

func (s tenant) wantFound(t *testing.T, query string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, s.documents(t, rag.Query{Text: query}), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%q found other documents (-want +got):\n%s", query, diff)
	}
}

func testEmpty(t *testing.T, s tenant) {
	if found := s.search(t, rag.Query{Text: "boundary layer"}); len(found.Hits) != 0 || found.Total != 0 || found.Hits == nil {
		t.Errorf("an empty store found %+v", found)
	}
	s.wantCount(t, 0)
	s.wantAbsent(t, "a")
	if err := s.Delete(t.Context(), s.name, "a"); !errors.Is(err, rag.ErrPaperNotFound) {
		t.Errorf("deleting what never was gave %v, want paper_not_found", err)
	}
	if results, err := s.Write(t.Context(), s.name, nil); err != nil || len(results) != 0 {
		t.Errorf("writing nothing gave %v, %v", results, err)
	}
}

func testLife(t *testing.T, s tenant) {
	first, second := document("a", "heat transfer in slabs"), document("a", "flutter of thin panels")
	s.write(t, []rag.Document{first})
	s.wantCount(t, 1)
	s.wantFound(t, "slabs", "a")
	s.write(t, []rag.Document{first}, rag.StatusUnchanged)
	s.write(t, []rag.Document{second}, rag.StatusUpdated)
	s.wantFound(t, "slabs")
	s.wantFound(t, "flutter", "a")
	s.wantCount(t, 1)
	for range 2 { // a repetition succeeds too
		if err := s.Delete(t.Context(), s.name, "a"); err != nil {
			t.Fatalf("Delete: %v", err)
		}
		s.wantFound(t, "flutter") // without a Refresh
		s.wantCount(t, 0)
		s.wantAbsent(t, "a")
	}
	s.write(t, []rag.Document{second}, rag.StatusCreated)
	s.wantFound(t, "flutter", "a")
}

func testExactCopy(t *testing.T, s tenant) {
	d := rag.Document{
		ID: "copy", Title: "Über <b>Strömungen</b> & \"mehr\"", URL: "https://example.org/a?b=c&d=é#e",
		Text: "  eins\u00a0zwei\r\n\tdrei \u2028 vier 🚀 fünf\x00 sechs é ",
		Metadata: rag.Metadata{
			"year": 1958.0, "ratio": 0.1, "public": true, "source": "nasa", "tags": []any{"wing", "drag"}, "": "", "a.b": "c", "text": "lift",
		},
	}
	want := chunked(t, d)
	s.write(t, []rag.Document{d})
	got, err := s.Document(t.Context(), s.name, "copy")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the document came back changed (-want +got):\n%s", diff)
	}
	found := s.search(t, rag.Query{Text: "eins"})
	if len(found.Hits) != 1 {
		t.Fatalf("found %d hits, want 1", len(found.Hits))
	}
	if diff := cmp.Diff(want.Chunks[0], found.Hits[0].Chunk); diff != "" {
		t.Errorf("the hit is not the chunk (-want +got):\n%s", diff)
	}
	if found.Hits[0].Score <= 0 {
		t.Errorf("the score is %g, want more than 0", found.Hits[0].Score)
	}
}

func testShrinking(t *testing.T, s tenant) {
	for _, step := range []struct {
		chunks int
		status rag.WriteStatus
	}{{5, rag.StatusCreated}, {2, rag.StatusUpdated}, {7, rag.StatusUpdated}, {1, rag.StatusUpdated}} {
		word := "version" + strconv.Itoa(step.chunks)
		s.write(t, []rag.Document{document("a", passages(word+"x", step.chunks))}, step.status)
		s.wantWhole(t, "a", word, step.chunks)
	}
}

// wantWhole wants exactly the chunks of one version of a document: to a search and to who reads it.
func (s tenant) wantWhole(t *testing.T, id, version string, chunks int) {
	t.Helper()
	d, err := s.Document(t.Context(), s.name, id)
	if err != nil || len(d.Chunks) != chunks {
		t.Errorf("Document has %d chunks, %v; want %d", len(d.Chunks), err, chunks)
	}
	found := s.search(t, rag.Query{Text: "thin flow plate"})
	if found.Total != chunks || len(found.Hits) != chunks {
		t.Errorf("a search finds %d chunks (total %d), want %d", len(found.Hits), found.Total, chunks)
	}
	for _, hit := range found.Hits {
		if !strings.HasPrefix(hit.Text, version+"x") {
			t.Errorf("chunk %s is %q, want one of %s", hit.ID, hit.Text, version)
		}
	}
}

func testBatches(t *testing.T, s tenant) {
	a, b, c := document("a", "first"), document("b", "second"), document("c", "third")
	s.write(t, []rag.Document{a, b})
	s.write(t, []rag.Document{b, c, document("a", "changed")}, rag.StatusUnchanged, rag.StatusCreated, rag.StatusUpdated)
	// The later one of two with the same id wins.
	s.write(t, []rag.Document{document("d", "early words here now then late"), document("d", "final")}, rag.StatusCreated, rag.StatusUpdated)
	s.wantFound(t, "final", "d")
	s.wantFound(t, "early late")
	s.wantCount(t, 4)
}

func testIDs(t *testing.T, s tenant) {
	ids := []string{"a", "a/b", "a:b", "a.b", "a_b", "a-b", "A", "0", "a/b/c.txt", "record", strings.Repeat("x", 256), strings.Repeat("x", 255)}
	var docs []rag.Document
	for i, id := range ids {
		docs = append(docs, document(id, "common unique"+strconv.Itoa(i)))
	}
	s.write(t, docs)
	s.wantCount(t, len(ids))
	for i, id := range ids {
		s.wantFound(t, "unique"+strconv.Itoa(i), id)
		if d, err := s.Document(t.Context(), s.name, id); err != nil || d.ID != id {
			t.Errorf("Document(%.20q) gave %.20q, %v", id, d.ID, err)
		}
	}
	for i, id := range ids {
		if err := s.Delete(t.Context(), s.name, id); err != nil {
			t.Errorf("Delete(%.20q): %v", id, err)
		}
		s.wantCount(t, len(ids)-i-1)
	}
}

func testTenants(t *testing.T, s tenant) {
	other := tenant{s.Store, s.name + "-other"}
	s.write(t, []rag.Document{document("a", "canary mine")})
	other.write(t, []rag.Document{document("a", "canary theirs"), document("b", "canary theirs")})
	s.wantCount(t, 1)
	s.wantFound(t, "canary theirs tenants-other", "a")
	s.wantFound(t, "theirs")
	s.wantAbsent(t, "b")
	if err := s.Delete(t.Context(), s.name, "b"); !errors.Is(err, rag.ErrPaperNotFound) {
		t.Errorf("deleting another tenant's document gave %v, want paper_not_found", err)
	}
	if err := s.Delete(t.Context(), s.name, "a"); err != nil {
		t.Fatal(err)
	}
	other.wantCount(t, 2)
	other.wantFound(t, "mine canary", "a", "b")
}

// Writers of one document may come in any order, and some may be told to send again; what is found afterwards is one
// version, whole.
func testConcurrentWriters(t *testing.T, s tenant) {
	const writers = 6
	var group sync.WaitGroup
	written := make([]rag.WriteResult, writers)
	for i := range writers {
		group.Go(func() {
			d := chunked(t, document("a", passages("version"+strconv.Itoa(i)+"x", 1+(i*5)%writers)))
			results, err := s.Write(t.Context(), s.name, []rag.ChunkedDocument{d})
			if err != nil {
				results = []rag.WriteResult{{Status: rag.StatusFailed, Err: err}}
			}
			written[i] = results[0]
		})
	}
	group.Wait()
	succeeded := 0
	for i, r := range written {
		if r.Status != rag.StatusFailed {
			succeeded++
		} else if !errors.Is(r.Err, rag.ErrSearchUnavailable) {
			t.Errorf("writer %d failed with %v, want search_unavailable", i, r.Err)
		}
	}
	if succeeded == 0 {
		t.Fatal("no writer succeeded")
	}
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	d, err := s.Document(t.Context(), s.name, "a")
	if err != nil {
		t.Fatal(err)
	}
	version, _, _ := strings.Cut(d.Text, "x")
	s.wantWhole(t, "a", version, len(d.Chunks))
	s.wantCount(t, 1)
}

// A reader sees text and chunks of one version, also while the document is being written again.
func testOneVersion(t *testing.T, s tenant) {
	version := func(i int) rag.ChunkedDocument {
		return chunked(t, document("a", passages("version"+strconv.Itoa(i)+"x", 1+(i*5)%6)))
	}
	write := func(i int) {
		results, err := s.Write(t.Context(), s.name, []rag.ChunkedDocument{version(i)})
		if err != nil || results[0].Err != nil {
			t.Errorf("Write: %v, %v", results, err)
		}
	}
	write(0)
	var writer sync.WaitGroup
	ended := make(chan struct{})
	writer.Go(func() {
		defer close(ended)
		for i := range 12 {
			write(i + 1)
		}
	})
	defer writer.Wait()
	for {
		d, err := s.Document(t.Context(), s.name, "a")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(chunked(t, d.Document).Chunks, d.Chunks); diff != "" {
			t.Fatalf("the chunks are not of the text (-text +chunks):\n%s", diff)
		}
		select {
		case <-ended:
			return
		default:
		}
	}
}

func testCallerWhoLeft(t *testing.T, s tenant) {
	ctx := canceled(t)
	if found, err := rag.NewRetriever(s).Retrieve(ctx, rag.Query{Tenant: s.name, Text: "lift", TopK: 5}); err == nil {
		t.Errorf("Retrieve gave %v, want an error", found)
	}
	if results, err := s.Write(ctx, s.name, []rag.ChunkedDocument{chunked(t, document("a", "lift"))}); err == nil {
		t.Errorf("Write gave %v, want an error", results)
	}
	s.wantAbsent(t, "a")
}
