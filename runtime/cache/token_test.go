package cache_test

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/test/backends"
)

func TestUnconfirmedTokenIsNotServed(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.search(t, query("acme", "q"), rag.CacheMiss)
	f.documents.unsure.Store(true)
	f.search(t, query("acme", "q"), rag.CacheMiss)
	f.search(t, query("acme", "new"), rag.CacheMiss)
	f.documents.unsure.Store(false)
	f.search(t, query("acme", "q"), rag.CacheHit)
	f.search(t, query("acme", "new"), rag.CacheMiss) // was not kept meanwhile
}

// While a change is under way the index may show more of it any moment.
func TestWhatIsFoundDuringAChangeIsKeptForSeconds(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.documents.open.Store(true)
	f.search(t, query("acme", "q"), rag.CacheMiss)
	f.search(t, query("acme", "q"), rag.CacheHit)
	f.pass(2 * time.Second)
	f.search(t, query("acme", "q"), rag.CacheMiss)
}

// While the token is not confirmed, a search may be shared by requests that came before it began, and by no others.
func TestUnconfirmedSearchesAreSharedWhileTheyWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.documents.unsure.Store(true)
		version := atomic.Int64{} // of the documents, as the engine sees them when a search begins
		f.backend.retrieve = func(context.Context, rag.Query) (rag.Retrieval, error) {
			seen := version.Load()
			time.Sleep(50 * time.Millisecond)
			return found(strconv.FormatInt(seen, 10), "doc"), nil
		}
		var wg sync.WaitGroup
		ask := func() {
			oldest := version.Load()
			got, err := f.retriever.Retrieve(t.Context(), query("acme", "q"))
			if err != nil {
				t.Error(err)
				return
			}
			if seen, _ := strconv.ParseInt(got.Hits[0].Text, 10, 64); seen < oldest {
				t.Errorf("a request that began at version %d was shown %d", oldest, seen)
			}
		}
		for range 10 {
			for range 100 {
				wg.Go(ask)
			}
			time.Sleep(10 * time.Millisecond)
			version.Add(1)
		}
		wg.Wait()
		// One at once, one at its end, one at the end of that: the last requests came at 90 ms.
		if got := f.backend.calls.Load(); got != 3 {
			t.Errorf("%d searches for 1,000 requests in 100 ms, want 3", got)
		}
		f.documents.unsure.Store(false)
		f.search(t, query("acme", "q"), rag.CacheMiss) // nothing was kept
	})
}

func TestUnconfirmedSearchDoesNotWaitLongForOneThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.documents.unsure.Store(true)
		release := make(chan struct{})
		f.backend.retrieve = func(context.Context, rag.Query) (rag.Retrieval, error) {
			if f.backend.calls.Load() == 1 {
				<-release
			}
			return found("x", "doc"), nil
		}
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = f.retriever.Retrieve(t.Context(), query("acme", "q")) })
		synctest.Wait()
		start := time.Now()
		f.search(t, query("acme", "q"), rag.CacheMiss)
		if took := time.Since(start); took != 100*time.Millisecond {
			t.Errorf("waited %v for a search that hangs, want 100ms", took)
		}
		close(release)
		wg.Wait()
	})
}

func TestNothingFoundBeforeAChangeIsServedAfterIt(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.search(t, query("acme", "q"), rag.CacheMiss)
	f.documents.change()
	f.search(t, query("acme", "q"), rag.CacheMiss)
	f.search(t, query("acme", "q"), rag.CacheHit)
}

func TestWhatWasFoundWhileTheDocumentsChangedIsNotKept(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.backend.retrieve = func(context.Context, rag.Query) (rag.Retrieval, error) {
		f.documents.change()
		return found("x", "doc"), nil
	}
	f.search(t, query("acme", "q"), rag.CacheMiss)
	f.documents.token.Add(-1) // as if the first token came back, to see whether anything was kept under it
	f.search(t, query("acme", "q"), rag.CacheMiss)
}

// While it is not known which answers were invalidated, those that are kept are STALE, and after staleIfError are made anew.
func TestUnconfirmedAnswersAreStale(t *testing.T) { //nolint:tparallel // they share the state of the documents
	t.Parallel()
	server := backends.Redis(t)
	other := newFixture(t, withRedis(guarded(t, server)))
	p := prompt("acme", "q", "doc")
	other.answer(t, p, rag.CacheMiss)
	other.close(t)
	for name, f := range map[string]*fixture{"in memory": other, "in redis": newFixture(t, withRedis(guarded(t, server)), sharing(other))} {
		t.Run(name, func(t *testing.T) {
			f.configure(func(c *config.Cache) { c.StaleIfError = config.Duration(5 * time.Minute) })
			f.documents.unsure.Store(true)
			defer f.documents.unsure.Store(false)
			f.answer(t, p, rag.CacheStale)
			f.answer(t, prompt("acme", "new "+name, "doc"), rag.CacheMiss)
			f.pass(6 * time.Minute)
			for range 2 { // what is made is not kept either
				before := f.backend.calls.Load()
				if f.answer(t, p, rag.CacheMiss); f.backend.calls.Load() != before+1 {
					t.Error("the model was not asked")
				}
			}
			f.documents.unsure.Store(false)
			f.answer(t, p, rag.CacheHit)
		})
	}
}
