package opensearch_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/opensearch"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// TestNodesSayWhatTheyUse compares with what was done to the one that there is, by all tests that run at the same time.
func TestNodesSayWhatTheyUse(t *testing.T) {
	store := open(t, newIndex(), opensearch.Options{})
	run(t, store)
	look := func() telemetry.SearchNode {
		t.Helper()
		nodes, err := store.Nodes(t.Context())
		if err != nil || len(nodes) != 1 {
			t.Fatalf("%d nodes, %v", len(nodes), err)
		}
		if percent := telemetry.DiskPercent(nodes); percent < 1 || percent > 100 {
			t.Errorf("a disk is full to %d %%", percent)
		}
		return nodes[0]
	}
	before := look()
	if err := writeText(t.Context(), store, "a", "lift"); err != nil {
		t.Fatal(err)
	}
	if _, err := foundIDs(t.Context(), store, "lift"); err != nil {
		t.Fatal(err)
	}
	after := look()
	for name, is := range map[string]bool{
		"name":      after.Name != "",
		"processor": after.CPUSeconds > 0 && after.CPUSeconds >= before.CPUSeconds,
		"heap":      after.HeapUsed > 1<<20 && after.HeapUsed <= after.HeapMax,
		"disk":      after.DiskTotal > 1<<30 && after.DiskAvailable < after.DiskTotal,
		"searches":  after.Searches > before.Searches && after.SearchSeconds > 0,
		"indexed":   after.Indexed > before.Indexed && after.Documents > 0,
	} {
		if !is {
			t.Errorf("%s: %+v, then %+v", name, before, after)
		}
	}
}

// TestWritesThatAreBlocked are told before anybody tries to write, and say who can help. The blocks are those that OpenSearch sets on a
// full disk, and that administrators set.
func TestWritesThatAreBlocked(t *testing.T) {
	t.Parallel()
	index := newIndex()
	store := open(t, index, opensearch.Options{})
	run(t, store)
	if err := writeText(t.Context(), store, "a", "lift"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the index is known", func() bool { return store.Current(t.Context(), "t").Confirmed })
	block := func(of, name string, on bool) {
		t.Helper()
		askOpenSearch(t, http.MethodPut, "/"+of+"/_settings", map[string]any{"index.blocks." + name: on}, nil)
		eventually(t, fmt.Sprintf("%s of %s is told: %t", name, of, on), func() bool { return blocked(t, store) == on })
	}
	for _, test := range []struct{ name, says string }{
		{"read_only", "administrator"}, // it could be of a rebuild, whose end the write waits for, three times
		// OpenSearch lifts this one itself within 30 s, once it sees that there is room.
		{"read_only_allow_delete", "disk is full"},
	} {
		block(index+"-v*", test.name, true)
		err := writeText(t.Context(), store, test.name, "drag")
		var e *rag.Error
		if !errors.As(err, &e) || e.Kind != rag.ErrSearchUnavailable || !strings.Contains(e.Message, test.says) {
			t.Errorf("%s: a write ends with %v, want search_unavailable that says %q", test.name, err, test.says)
		}
		if found, err := foundIDs(t.Context(), store, "lift"); err != nil || !found["a"] {
			t.Errorf("%s: a search finds %v, %v", test.name, found, err)
		}
		block(index+"-v*", test.name, false)
	}
	block(index+"-v*", "write", true)
	block(index+"-v*", "write", false)
	block(index+"-control", "write", true)
	block(index+"-control", "write", false)
	if err := writeText(t.Context(), store, "b", "drag"); err != nil {
		t.Errorf("afterwards a write ends with %v", err)
	}
}

// TestAnAdministratorsBlockStays: a rebuild sets the same one, and leaves its next index beside when it is killed.
func TestAnAdministratorsBlockStays(t *testing.T) {
	t.Parallel()
	index := newIndex()
	store := open(t, index, opensearch.Options{})
	run(t, store)
	if err := writeText(t.Context(), store, "a", "lift"); err != nil {
		t.Fatal(err)
	}
	askOpenSearch(t, http.MethodPut, "/"+index+"-v*/_settings", map[string]any{"index.blocks.write": true}, nil)
	err := writeText(t.Context(), store, "b", "drag")
	var e *rag.Error
	if !errors.As(err, &e) || e.Kind != rag.ErrSearchUnavailable || !strings.Contains(e.Message, "administrator") {
		t.Errorf("a write ends with %v, want search_unavailable that says who can help", err)
	}
	eventually(t, "the block is told", func() bool { return blocked(t, store) })
}

// blocked is what WritesBlocked says. It counts no block of the documents' index before the store has found that it rebuilds nothing.
func blocked(t *testing.T, store *opensearch.Store) bool {
	t.Helper()
	blocked, err := store.WritesBlocked(t.Context())
	if err != nil {
		t.Error(err)
	}
	return blocked
}

// TestABlockOfTheClusterIsTold as OpenSearch tells it. No test sets one: it would be of all the others' indices.
func TestABlockOfTheClusterIsTold(t *testing.T) {
	t.Parallel()
	store := at(t, faulty(t, answering(http.StatusOK, `{"blocks":{"global":{"6":{"levels":["write","metadata_write"]}}}}`)), opensearch.Options{})
	if !blocked(t, store) {
		t.Error("it is not told")
	}
}

// TestAnIndexThatCannotBeLookedAtIsSaid of a server that starts, although OpenSearch answers it.
func TestAnIndexThatCannotBeLookedAtIsSaid(t *testing.T) {
	t.Parallel()
	index := newIndex()
	if err := open(t, index, opensearch.Options{}).Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	block := func(on bool) {
		askOpenSearch(t, http.MethodPut, "/"+index+"-*/_settings", map[string]any{"index.blocks.metadata": on}, nil)
	}
	block(true)
	store := open(t, index, opensearch.Options{})
	runWithout(t, store)
	eventually(t, "the block is told", func() bool { return store.Cause() == "blocked" })
	if store.State() == "up" {
		t.Error("it is up, and of no use")
	}
	block(false)
	eventually(t, "it can be used", func() bool { return store.Cause() == "" && store.State() == "up" })
}
