package localstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/terms"
)

// An index of another analyser is made anew from the records when it is opened, once.
func TestIndexOfAnotherAnalyserIsRebuilt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	english, german := terms.New([]string{"en"}), terms.New([]string{"de"})
	s := openStore(t, Options{Dir: dir, Analyser: english})
	const documents = 2*recordsAtOnce + 3
	for i := range documents {
		mustWriteText(t, s, fmt.Sprintf("d%02d", i), "Die Häuser am See sind alt und die Wege sind weit.")
	}
	mustWriteText(t, s, "gone", "Die Häuser am Meer")
	if err := s.Delete(t.Context(), "t", "gone"); err != nil {
		t.Fatal(err)
	}
	wantFoundOf(t, s, "Haus", 0)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	var told []int
	options := Options{Dir: dir, Analyser: german, OnRebuild: func(done, total int) { told = append(told, done, total) }}
	s = openStore(t, options)
	wantFoundOf(t, s, "Haus", documents)
	want := []int{recordsAtOnce, documents, 2 * recordsAtOnce, documents, documents, documents}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	told = nil
	s = openStore(t, options)
	wantFoundOf(t, s, "Haus", documents)
	if len(told) > 0 {
		t.Error("it was rebuilt again")
	}
	if left, err := filepath.Glob(filepath.Join(dir, "chunks*")); err != nil || len(left) != 1 {
		t.Errorf("left are %v, %v; want one index of chunks", left, err)
	}
}

// A rebuild that was killed leaves the old index as it was, and starts anew.
func TestKilledRebuildStartsAnew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	english, german := terms.New([]string{"en"}), terms.New([]string{"de"})
	s := openStore(t, Options{Dir: dir, Analyser: english})
	mustWriteText(t, s, "a", "Die Häuser am See sind alt und die Wege sind weit.")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	killed := errors.New("killed")
	func() {
		defer func() {
			if got := recover(); got != any(killed) {
				t.Fatalf("the rebuild ended with %v", got)
			}
		}()
		_, _ = Open(Options{Dir: dir, Analyser: german, OnRebuild: func(int, int) { panic(killed) }})
	}()
	if _, err := os.Stat(filepath.Join(dir, chunksPrefix+chunksLayout+english.Version())); err != nil {
		t.Errorf("the old index is gone: %v", err)
	}
	copied := t.TempDir() // the panic left the records open in this process, unlike a kill
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, Options{Dir: copied, Analyser: german})
	wantFoundOf(t, s, "Haus", 1)
	if left, err := filepath.Glob(filepath.Join(copied, "*"+buildingSuffix)); err != nil || len(left) != 0 {
		t.Errorf("left are %v, %v", left, err)
	}
}

func mustWriteText(t *testing.T, s *Store, id, text string) {
	t.Helper()
	d, err := rag.ChunkAndHash(rag.Document{ID: id, Text: text}, rag.RetrievalSettings{ChunkWords: 100})
	if err != nil {
		t.Fatal(err)
	}
	mustWrite(t, s, d)
}

func wantFoundOf(t *testing.T, s *Store, query string, want int) {
	t.Helper()
	found, err := rag.NewRetriever(s).Retrieve(t.Context(), rag.Query{Tenant: "t", Text: query, TopK: 50})
	if err != nil || found.Total != want {
		t.Errorf("%s finds %d, %v; want %d", query, found.Total, err, want)
	}
	for _, hit := range found.Hits {
		if !strings.Contains(hit.Text, "See") {
			t.Errorf("%s finds %s", query, hit.ID)
		}
	}
}
