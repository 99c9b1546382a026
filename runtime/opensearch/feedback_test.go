package opensearch_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/opensearch"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/test/backends"
)

func judgement(n int) rag.Feedback {
	return rag.Feedback{TraceID: fmt.Sprintf("%032x", n), Score: 1, By: "key:ann", At: time.UnixMilli(1000 + int64(n))}
}

// TestFeedbackMakesItsIndex with the first judgements, which may come to several servers at once, with the copies and the mapping that it
// is to have, and again when somebody has deleted it. Nobody's list makes it.
func TestFeedbackMakesItsIndex(t *testing.T) {
	t.Parallel()
	index := newIndex()
	store := open(t, index, opensearch.Options{Replicas: func() int { return 2 }})
	if all, err := store.ListFeedback(t.Context(), "t", nil, 10); err != nil || len(all) > 0 {
		t.Fatalf("without an index: %v, %v", all, err)
	}
	var made []any
	if askOpenSearch(t, http.MethodGet, "/_cat/indices/"+index+"*?format=json", nil, &made); len(made) > 0 {
		t.Errorf("a list made %v", made)
	}
	for range 2 {
		var servers sync.WaitGroup
		for n := range 4 {
			servers.Go(func() {
				if err := store.PutFeedback(t.Context(), "t", judgement(n)); err != nil {
					t.Errorf("PutFeedback: %v", err)
				}
			})
		}
		servers.Wait()
		if all, err := store.ListFeedback(t.Context(), "t", nil, 10); err != nil || len(all) != 4 {
			t.Errorf("listed %v, %v; want all 4", all, err)
		}
		var there map[string]any
		askOpenSearch(t, http.MethodGet, "/"+index+"-feedback/_mapping", nil, &there)
		mappings, _ := there[index+"-feedback-1"].(map[string]any)
		keyword := map[string]any{"type": "keyword"}
		want := map[string]any{"mappings": map[string]any{"dynamic": "false", "properties": map[string]any{
			"tenant": keyword, "trace_id": keyword, "user": keyword, "at": map[string]any{"type": "long"}, "score": map[string]any{"type": "double"},
		}}}
		if diff := cmp.Diff(want, mappings); diff != "" {
			t.Errorf("the mapping (-want +got):\n%s", diff)
		}
		if shards, replicas := settingsOf(t, index+"-feedback"); shards != "1" || replicas != "2" {
			t.Errorf("it has %s shards and %s further copies", shards, replicas)
		}
		askOpenSearch(t, http.MethodDelete, "/"+index+"-feedback-1", nil, nil)
	}
}

// TestCopiesOfFeedbackFollow the number that is wanted.
func TestCopiesOfFeedbackFollow(t *testing.T) {
	t.Parallel()
	index := newIndex()
	var wanted atomic.Int64
	store := open(t, index, opensearch.Options{Replicas: func() int { return int(wanted.Load()) }})
	run(t, store)
	if err := store.PutFeedback(t.Context(), "t", judgement(1)); err != nil {
		t.Fatal(err)
	}
	wanted.Store(1)
	if !await(t, func() bool { _, replicas := settingsOf(t, index+"-feedback"); return replicas == "1" }) {
		t.Error("the index of feedback does not have another copy")
	}
}

// putMany puts the judgements 1 to n into an index, together.
func putMany(t *testing.T, index string, n int) {
	t.Helper()
	var body strings.Builder
	for i := 1; i <= n; i++ {
		f := judgement(i)
		fmt.Fprintf(&body, "{\"index\":{}}\n{\"tenant\":\"t\",\"trace_id\":%q,\"user\":%q,\"at\":%d,\"score\":1}\n", f.TraceID, f.By, f.At.UnixMilli())
	}
	response, err := http.Post(backends.OpenSearch(t)+"/"+index+"/_bulk", "application/x-ndjson", strings.NewReader(body.String()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		t.Fatal(response.Status)
	}
}

// TestMuchFeedbackIsForgotten: more than one call removes.
func TestMuchFeedbackIsForgotten(t *testing.T) {
	t.Parallel()
	index := newIndex()
	store := open(t, index, opensearch.Options{WriteTimeout: time.Minute})
	if err := store.PutFeedback(t.Context(), "t", judgement(5000)); err != nil {
		t.Fatal(err)
	}
	putMany(t, index+"-feedback", 2100)
	if err := store.ForgetFeedback(t.Context(), time.UnixMilli(0), 7); err != nil {
		t.Fatal(err)
	}
	left, err := store.ListFeedback(t.Context(), "t", nil, 5000)
	if err != nil || len(left) != 7 || left[6].At.UnixMilli() != 3095 {
		t.Errorf("%d are left, %v, want the 7 newest: %v", len(left), err, left)
	}
}
