package opensearch

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// A poll that was sent before this replica's change had its answer may tell the token of before; it must not bring it back.
func TestLateAnswerDoesNotUndoAChange(t *testing.T) {
	t.Parallel()
	start := time.Now()
	s := &Store{guard: newGuard(nil), control: newControl()}
	told := func(token rag.Token, after time.Duration) {
		s.learn(versionedControl{Source: rag.ControlDocument{Base: token}}, start.Add(after), true)
	}
	want := func(token rag.Token) {
		t.Helper()
		if got := s.Current(t.Context(), "t").Token; got != token {
			t.Errorf("the token is %q, want %q", got, token)
		}
	}
	told("old", 0)
	s.control.known.Source.Base = "new"
	s.control.confirmed, s.control.written = start.Add(time.Millisecond), start.Add(3*time.Millisecond)
	told("old", 2*time.Millisecond)
	want("new")
	told("newer", 5*time.Millisecond)
	want("newer")
	told("old", 4*time.Millisecond) // asked before, answered after
	want("newer")
}

// Keys are part of what is stored: another form would lose every document.
func TestKeys(t *testing.T) {
	t.Parallel()
	if got, want := chunkKey("default", "cranfield-1", 0), "1GO2lAe0OcTWUhj-NDRTHLV7DriRVYjhqqk13lGMXgs"; got != want {
		t.Errorf("the key of a chunk is %s, want %s", got, want)
	}
	seen := map[string]bool{}
	for _, parts := range [][]string{{"a", "b", "c"}, {"ab", "", "c"}, {"", "ab", "c"}, {"a", "bc", ""}, {"abc", "", ""}} {
		k := key(parts...)
		if seen[k] {
			t.Errorf("%q shares its key with other parts", parts)
		}
		seen[k] = true
	}
}

func TestExpiredTombstonesGo(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	s, err := New(Options{
		Config:  config.OpenSearch{URLs: []string{backends.OpenSearch(t)}, Index: "test-tombstones-" + strings.ToLower(rand.Text())},
		Timeout: time.Minute, Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	ids := []string{"a", "b"}
	for _, id := range ids {
		d := rag.ChunkedDocument{Document: rag.Document{ID: id}, Chunks: []rag.Chunk{{ID: id + "#0", DocumentID: id, Text: "lift"}}, Hash: "h"}
		if _, err := s.Write(t.Context(), "t", []rag.ChunkedDocument{d}); err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(t.Context(), "t", id); err != nil {
			t.Fatal(err)
		}
		now = now.Add(tombstoneFor + time.Second)
	}
	left, err := s.readRecords(t.Context(), "t", ids, false)
	if err != nil {
		t.Fatal(err)
	}
	if left[0].Kind != "" || left[1].Kind != rag.RecordTombstone {
		t.Errorf("the records are %q and %q, want none and a tombstone", left[0].Kind, left[1].Kind)
	}
}
