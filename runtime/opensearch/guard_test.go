package opensearch_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/opensearch"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
)

// refused says that err is of a call that was not made, and tells its caller when to come again.
func refused(err, why error) bool {
	var e *rag.Error
	return errors.As(err, &e) && e.Kind == rag.ErrSearchUnavailable && e.RetryAfter > 0 && errors.Is(err, why)
}

// openBreaker asks until OpenSearch, which is down, counts as down.
func openBreaker(t *testing.T, store *opensearch.Store) {
	t.Helper()
	for range 5 {
		if err := calls["search"](t.Context(), store); err == nil || errors.Is(err, resilience.ErrOpen) {
			t.Fatalf("a search of what is not known to be down: %v", err)
		}
	}
	if got := store.State(); got != resilience.HealthDown {
		t.Fatalf("after five failures in a row OpenSearch is %s, want down", got)
	}
}

// silent answers nothing for as long as somebody waits.
func silent(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // else it is not told that the caller has left
	<-r.Context().Done()
}

// counting counts requests before it passes them on.
func counting(next http.HandlerFunc) (*atomic.Int64, http.HandlerFunc) {
	asked := &atomic.Int64{}
	return asked, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		next(w, r)
	}
}

// Requests to an OpenSearch that is down fail at once, and it is left alone.
func TestOpenSearchThatIsDownIsNotAsked(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer  http.HandlerFunc
		timeout time.Duration
	}{
		"breaks connections": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, time.Minute},
		"answers 500":        {answering(500, `{}`), time.Minute},
		"answers 503":        {answering(503, `{}`), time.Minute},
		"is silent":          {silent, 50 * time.Millisecond},
		"is foreign": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Del("X-OpenSearch-Version")
			w.WriteHeader(http.StatusOK)
		}, time.Minute},
	} {
		asked, answer := counting(test.answer)
		store := at(t, faulty(t, answer), opensearch.Options{Timeout: test.timeout})
		openBreaker(t, store)
		before := asked.Load()
		for _, operation := range []string{"search", "read", "count", "begin"} {
			if err := calls[operation](t.Context(), store); !refused(err, resilience.ErrOpen) {
				t.Errorf("%s: %s gave %v, want a refusal with advice", name, operation, err)
			}
		}
		if got := asked.Load(); got != before {
			t.Errorf("%s: %d requests went out", name, got-before)
		}
	}
}

// An answer to one request that is not the one hoped for says nothing of the next.
func TestRefusalsOfOpenSearchKeepItAsked(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"400": answering(400, `{}`), "401": answering(401, ``), "409": answering(409, `{}`), "429": answering(429, `{}`),
		"not JSON": answering(200, `<html>`), "partial": answering(200, `{"_shards":{"total":2,"failed":1}}`),
	} {
		asked, answer := counting(answer)
		store := at(t, faulty(t, answer), opensearch.Options{Timeout: time.Minute})
		for range 6 {
			if err := calls["search"](t.Context(), store); rag.KindOf(err) != rag.ErrSearchUnavailable {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if got := asked.Load(); got != 6 {
			t.Errorf("%s: %d requests went out, want 6", name, got)
		}
	}
}

// guardedWay is a store on the real OpenSearch whose way can be cut, and its calls by "operation outcome".
func guardedWay(t *testing.T) (*opensearch.Store, *way, func(call string) int) {
	t.Helper()
	way := newWay(t, throughTo(t))
	var mu sync.Mutex
	made := map[string]int{}
	store := newStore(t, opensearch.Options{
		Config: config.OpenSearch{URLs: []string{way.URL}, Index: newIndex()}, Timeout: time.Minute,
		Observe: func(operation, outcome string, _ time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			made[operation+" "+outcome]++
		},
	})
	store.LookAfter(time.Hour)
	return store, way, func(call string) int {
		mu.Lock()
		defer mu.Unlock()
		return made[call]
	}
}

// The polls go on while OpenSearch is down, and requests as soon as one of them is answered.
func TestPollsNoticeThatOpenSearchIsBack(t *testing.T) {
	t.Parallel()
	store, way, made := guardedWay(t)
	run(t, store)
	eventually(t, "OpenSearch is up", func() bool { return store.State() == resilience.HealthUp })
	way.cut.Store(true)
	eventually(t, "it counts as down", func() bool {
		return refused(calls["search"](t.Context(), store), resilience.ErrOpen)
	})
	if got := store.State(); got != resilience.HealthDown {
		t.Errorf("while searches are refused OpenSearch is %s, want down", got)
	}
	eventually(t, "a poll tells the fault", func() bool { return store.Fault() != "" })
	if made("search open") == 0 {
		t.Error("the refusal is not in the metrics")
	}
	failed := "control " + store.Fault()
	polls := made(failed)
	eventually(t, "the polls go on", func() bool { return made(failed) > polls+1 })
	way.cut.Store(false)
	eventually(t, "searches go on", func() bool { return calls["search"](t.Context(), store) == nil })
	if got := store.State(); got != resilience.HealthUp {
		t.Errorf("then OpenSearch is %s, want up", got)
	}
}

// Without polls, one request after a while looks whether OpenSearch is back.
func TestARequestLooksWhetherOpenSearchIsBack(t *testing.T) {
	t.Parallel()
	store, way, _ := guardedWay(t)
	if err := store.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	store.LookAfter(time.Second)
	way.cut.Store(true)
	openBreaker(t, store)
	way.cut.Store(false)
	eventually(t, "searches go on", func() bool { return calls["search"](t.Context(), store) == nil })
}

// What a change has begun is carried through, whatever is known of OpenSearch; what it shows is known to requests.
func TestChangesThatHaveBegunAreNotRefused(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"write", "refresh", "publish"} {
		store, way, _ := guardedWay(t)
		if err := store.Ensure(t.Context()); err != nil {
			t.Fatal(err)
		}
		change, err := store.Begin(t.Context(), "t")
		if err != nil {
			t.Fatal(err)
		}
		way.cut.Store(true)
		openBreaker(t, store)
		way.cut.Store(false)
		if _, err := store.Begin(t.Context(), "t"); !refused(err, resilience.ErrOpen) {
			t.Fatalf("another change began: %v", err)
		}
		end := calls[operation]
		if operation == "publish" {
			end = func(ctx context.Context, _ *opensearch.Store) error { return change.Publish(ctx) }
		}
		if err := end(t.Context(), store); err != nil {
			t.Errorf("%s: %v", operation, err)
		}
		if err := calls["search"](t.Context(), store); err != nil {
			t.Errorf("a search after an answered %s: %v", operation, err)
		}
	}
}

// A request whose turn does not come is refused in half its time; changes and polls need no turn.
func TestCallsUnderWayAreBounded(t *testing.T) {
	t.Parallel()
	const most = 64
	release := make(chan struct{})
	var searches atomic.Int64
	var changes atomic.Int64
	store := at(t, faulty(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/documents/_refresh" {
			changes.Add(1)
			answering(200, `{"_shards":{"total":1,"failed":0}}`)(w, r)
			return
		}
		searches.Add(1)
		<-release
	}), opensearch.Options{Timeout: 10 * time.Second})
	var group sync.WaitGroup
	for range most {
		group.Go(func() { _ = calls["search"](t.Context(), store) })
	}
	t.Cleanup(group.Wait)
	t.Cleanup(func() { close(release) })
	eventually(t, "all are under way", func() bool { return searches.Load() == most })
	if err := calls["search"](t.Context(), store); !refused(err, resilience.ErrBusy) || opensearch.Outcome(err) != "busy" {
		t.Errorf("one more gave %v, want a refusal with advice", err)
	}
	if err := calls["refresh"](t.Context(), store); err != nil || changes.Load() != 1 || searches.Load() != most {
		t.Errorf("a refresh meanwhile: %v, %d made; %d searches", err, changes.Load(), searches.Load())
	}
}
