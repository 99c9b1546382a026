package opensearch_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/opensearch"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/terms"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// holdLease has a rebuild be under way, whose replica shows no sign of life.
func holdLease(t *testing.T, index string) {
	t.Helper()
	askOpenSearch(t, http.MethodPut, "/"+index+"-control/_doc/lease-rebuild?refresh=true", map[string]any{"owner": "dead", "renewals": 3}, nil)
}

// TestWritesGoOnAfterARebuildWasKilled: it had closed the index, and servers of its version come no more.
func TestWritesGoOnAfterARebuildWasKilled(t *testing.T) {
	t.Parallel()
	index := newIndex()
	store := open(t, index, opensearch.Options{Analyser: terms.New([]string{"en"})})
	run(t, store)
	if err := writeText(t.Context(), store, "kept", germanText); err != nil {
		t.Fatal(err)
	}
	if !await(t, func() bool { return store.Current(t.Context(), "t").Index != "" }) {
		t.Fatal("no control document")
	}
	holdLease(t, index)
	askOpenSearch(t, http.MethodPut, "/"+index+"-v99-1-de", struct{}{}, nil) // which it was about to use
	askOpenSearch(t, http.MethodPut, "/"+store.Current(t.Context(), "t").Index+"/_block/write", nil, nil)
	if !await(t, func() bool { return writeText(t.Context(), store, "later", germanText) == nil }) {
		t.Fatal("no write goes through")
	}
	if _, err := store.Document(t.Context(), "t", "kept"); err != nil {
		t.Errorf("what was written before: %v", err)
	}
}

// TestAServerNoticesASwapThatNobodyAnnounced: what it has cached is of the index of before.
func TestAServerNoticesASwapThatNobodyAnnounced(t *testing.T) {
	t.Parallel()
	index := newIndex()
	store := open(t, index, opensearch.Options{Analyser: terms.New([]string{"en"})})
	run(t, store)
	var lease struct{ Found bool }
	if !await(t, func() bool { // it has looked for leftovers, and does so again in ten minutes
		return send(t, http.MethodGet, "/"+index+"-control/_doc/lease-rebuild", &lease) == nil && lease.Found
	}) {
		t.Fatal("nobody has looked for leftovers")
	}
	before := store.Current(t.Context(), "t")
	restored := before.Index + "-r1"
	askOpenSearch(t, http.MethodPut, "/"+restored, map[string]any{"aliases": map[string]any{restored + "-self": struct{}{}}}, nil)
	askOpenSearch(t, http.MethodPost, "/_aliases", map[string]any{"actions": []any{
		map[string]any{"remove": map[string]any{"index": before.Index, "alias": index}},
		map[string]any{"add": map[string]any{"index": restored, "alias": index}},
	}}, nil)
	if !await(t, func() bool { return store.Current(t.Context(), "t").Index == restored }) {
		t.Fatalf("the index in use is %s, want %s", store.Current(t.Context(), "t").Index, restored)
	}
	if store.Current(t.Context(), "t").Token == before.Token {
		t.Error("results of before may be served")
	}
}

// TestAnOlderServerEndsARebuildThatWasKilledAfterTheAliasMoved: what the old index took from then on would be lost.
func TestAnOlderServerEndsARebuildThatWasKilledAfterTheAliasMoved(t *testing.T) {
	t.Parallel()
	index := newIndex()
	newer := open(t, index, opensearch.Options{Analyser: terms.New([]string{"de"})})
	if err := newer.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	control := "/" + index + "-control/_doc/control"
	var found struct {
		Source map[string]any `json:"_source"`
	}
	askOpenSearch(t, http.MethodGet, control, nil, &found)
	newIndex := found.Source["index"].(string)
	oldIndex := strings.Replace(newIndex, "-de", "-en", 1)
	askOpenSearch(t, http.MethodPut, "/"+oldIndex, map[string]any{"aliases": map[string]any{oldIndex + "-self": struct{}{}}}, nil)
	askOpenSearch(t, http.MethodPut, "/"+oldIndex+"/_block/write", nil, nil)
	found.Source["index"], found.Source["analyser"] = oldIndex, strings.Replace(found.Source["analyser"].(string), "-de", "-en", 1)
	askOpenSearch(t, http.MethodPut, control, found.Source, nil)

	older := open(t, index, opensearch.Options{Analyser: terms.New([]string{"en"})})
	run(t, older)
	if !await(t, func() bool { return older.Current(t.Context(), "t").Index == newIndex }) {
		t.Fatalf("the control document does not name %s", newIndex)
	}
	if !await(t, func() bool { return writeText(t.Context(), older, "later", germanText) == nil }) {
		t.Fatal("no write goes through")
	}
	if !await(t, func() bool { return !exists(t, oldIndex) }) {
		t.Errorf("%s is still there", oldIndex)
	}
}

// TestLeftIndicesGo: those of this service that nobody uses, and no other.
func TestLeftIndicesGo(t *testing.T) {
	t.Parallel()
	index := newIndex()
	first := open(t, index, opensearch.Options{Analyser: terms.New([]string{"en"})})
	if err := first.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	left := []string{index + "-v1-1-en", index + "-v99-1-de-en"}
	others := []string{index + "-v2", index + "-v1-1-en-self2", index + "-v1-1-en-control", index + "2-v1-1-en"}
	for _, name := range append(left, others...) {
		askOpenSearch(t, http.MethodPut, "/"+name, struct{}{}, nil)
		t.Cleanup(func() { statusOf(t, http.MethodDelete, "/"+name) })
	}
	run(t, first)
	for _, name := range left {
		if !await(t, func() bool { return !exists(t, name) }) {
			t.Errorf("%s is still there", name)
		}
	}
	for _, name := range others {
		if !exists(t, name) {
			t.Errorf("%s of somebody else is gone", name)
		}
	}
	if err := writeText(t.Context(), first, "a", germanText); err != nil {
		t.Errorf("the index in use: %v", err)
	}
	if _, err := first.Document(t.Context(), "t", "b"); !errors.Is(err, rag.ErrPaperNotFound) {
		t.Errorf("the index in use: %v", err)
	}
}

// statusOf sends a request without a body past the Store, also when the test is over.
func statusOf(t *testing.T, method, path string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, backends.OpenSearch(t)+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

func exists(t *testing.T, index string) bool {
	t.Helper()
	return statusOf(t, http.MethodHead, "/"+index) == http.StatusOK
}
