package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/cache"
	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/models"
	"github.com/ragservice/ragservice-operator/runtime/opensearch"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// newReplica is the pipeline of one of several servers: a cache of its own before a store of its own, on one index.
func newReplica(t *testing.T, index string) *rag.Service {
	t.Helper()
	return replicaOf(t, opensearch.Options{
		Config:  config.OpenSearch{URLs: []string{backends.OpenSearch(t)}, Index: index},
		Timeout: time.Minute,
	}, nil)
}

// replicaOf is one with a way to OpenSearch of its own, and a Redis that it shares; nil for none.
func replicaOf(t *testing.T, openSearch opensearch.Options, shared *resilience.Redis) *rag.Service {
	t.Helper()
	store, err := opensearch.New(openSearch)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	results := cache.New(cache.Options{
		Redis: shared,
		Config: func() *config.Config {
			return &config.Config{Cache: config.Cache{
				Enabled: true, TTLSearch: config.Duration(time.Hour), TTLLLM: config.Duration(time.Hour), StaleIfError: config.Duration(time.Minute),
				LocalMaxBytes: 1 << 20,
			}}
		},
		Control: store,
	})
	service := &rag.Service{
		Retriever: results.Retriever(rag.NewRetriever(store)),
		Generator: results.Generator(models.Extractive{}),
		Documents: store,
		Control:   store,
		Forgetter: results,
		Settings: func() rag.Settings {
			return rag.Settings{Retrieval: rag.RetrievalSettings{TopK: 5, MaxTopK: 50, ChunkWords: 100}}
		},
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { store.Run(ctx) })
	t.Cleanup(func() {
		_ = service.Close(context.Background())
		stop()
		running.Wait()
		_ = results.Close(context.Background())
		_ = store.Close()
	})
	return service
}

// A search that starts after the answer to an upload or a deletion sees it, on every server, whatever its cache holds.
func TestServersAgreeOnWhatWasAnswered(t *testing.T) {
	t.Parallel()
	index := "coherence-" + strings.ToLower(rand.Text())
	replicas := []*rag.Service{newReplica(t, index), newReplica(t, index)}
	const rounds = 12
	var state agreed
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for _, replica := range replicas {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-t.Context().Done(): // the test has failed
					return
				default:
					state.check(t, replica)
				}
			}
		})
	}
	for round := range rounds {
		title := ""
		if mathrand.IntN(3) > 0 {
			title = fmt.Sprint("version ", round)
		}
		state.change(t, replicas[mathrand.IntN(len(replicas))], title)
		seen := state.checked.Load()
		await(t, "searches of the document as it is", func() bool { return state.checked.Load() >= seen+20 })
	}
	close(stop)
	readers.Wait()
	if state.hits.Load() == 0 {
		t.Error("no search was answered from a cache: nothing was put to the test")
	}
}

// agreed is the document as every server must show it.
type agreed struct {
	mu sync.Mutex
	// title is that of the document; empty for none.
	title string
	// changes counts the beginnings and ends of changes: it is odd while one is under way.
	changes int
	// checked counts searches during which nothing changed, and hits those of them that a cache answered.
	checked, hits atomic.Int64
}

var coherenceTenant = rag.Identity{Tenant: "t", Role: rag.RoleAdmin}

func (a *agreed) now() (title string, changes int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.title, a.changes
}

func (a *agreed) step(title string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.title = title
	a.changes++
}

// change uploads a version, or deletes the document when title is empty.
func (a *agreed) change(t *testing.T, replica *rag.Service, title string) {
	t.Helper()
	a.step("")
	defer a.step(title)
	if title == "" {
		if err := replica.DeleteDocument(t.Context(), coherenceTenant, "a"); err != nil && rag.KindOf(err) != rag.ErrPaperNotFound {
			t.Fatal(err)
		}
		return
	}
	sent := false
	next := func() (rag.Document, error) {
		if sent {
			return rag.Document{}, io.EOF
		}
		sent = true
		return rag.Document{ID: "a", Title: title, Text: "a flat plate"}, nil
	}
	summary, err := replica.Ingest(t.Context(), coherenceTenant, next, func(rag.DocumentResult) error { return nil }, rag.IngestOptions{Refresh: true})
	if err != nil || summary.Created+summary.Updated != 1 {
		t.Fatalf("%+v, %v", summary, err)
	}
}

// check searches once, and judges the result when nothing changed meanwhile.
func (a *agreed) check(t *testing.T, replica *rag.Service) {
	title, before := a.now()
	found, err := replica.Search(t.Context(), coherenceTenant, rag.SearchRequest{Query: "plate"}, rag.RequestOptions{})
	if err != nil {
		if t.Context().Err() == nil {
			t.Error(err)
		}
		return
	}
	if _, after := a.now(); after != before || before%2 == 1 {
		return
	}
	a.checked.Add(1)
	if found.Cache.Outcome == rag.CacheHit {
		a.hits.Add(1)
	}
	shown := ""
	if len(found.Hits) > 0 {
		shown = found.Hits[0].Title
	}
	if shown != title {
		t.Errorf("a server shows %q (%s), want %q", shown, found.Cache.Outcome, title)
	}
	time.Sleep(time.Millisecond) // leaves the machine to others
}
