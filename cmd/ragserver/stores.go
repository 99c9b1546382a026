package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/cache"
	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/localstore"
	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/opensearch"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
	"github.com/ragservice/ragservice-operator/runtime/terms"
)

// documents is what a search engine offers to the pipeline.
type documents interface {
	rag.Index
	rag.DocumentStore
	rag.Control
	rag.FeedbackStore
	Close() error
}

// openStore opens the search engine: OpenSearch, or the one inside the server.
func (srv *server) openStore(s setup, analyser *terms.Analyser) (documents, error) {
	stores := s.source.Config().Stores
	if stores.OpenSearch == nil {
		store, err := localstore.Open(localstore.Options{
			Dir:       filepath.Join(s.dataDir, "documents"),
			Analyser:  analyser,
			OnRebuild: srv.rebuilding(),
			OnDamage: func(why error) {
				srv.log.Write(context.Background(), logging.IndexDamaged{Err: why})
			},
			OnDisk: srv.diskChanged,
		})
		if err != nil {
			return nil, err
		}
		srv.openSearch = func() telemetry.DependencyState { return telemetry.DependencyUnused }
		srv.ready.Store(true)
		return store, nil
	}
	store, err := opensearch.New(opensearch.Options{
		Config:      *stores.OpenSearch,
		Credentials: s.credentials.OpenSearch,
		Replicas:    func() int { return s.source.Config().Stores.OpenSearchReplicas() },
		Analyser:    analyser,
		Observe:     srv.metrics.OpenSearch,
		Breaker:     func() (int, time.Duration) { return s.source.Config().Resilience.Breaker() },
		OnRebuild:   srv.rebuilding(),
		OnHealth:    srv.openSearchHealth(),
	})
	if err != nil {
		return nil, fmt.Errorf("stores.openSearch: %w", err)
	}
	srv.openSearch = func() telemetry.DependencyState { return telemetry.DependencyState(store.State()) }
	srv.openSearchFault = store.Cause
	srv.metrics.Dependency("opensearch", guarded(store.Guard()))
	srv.background = append(srv.background, store.Run, func(ctx context.Context) { srv.watchOpenSearch(ctx, store) })
	return store, nil
}

// searchEngine is what is asked of OpenSearch beside the requests.
type searchEngine interface {
	Nodes(ctx context.Context) ([]telemetry.SearchNode, error)
	WritesBlocked(ctx context.Context) (bool, error)
}

// watchEvery is how often OpenSearch is asked how it is: twice in each of telemetry's minutes.
const watchEvery = 30 * time.Second

// watchOpenSearch notes what the nodes say of themselves, and whether documents can be written. What cannot be asked is not noted: one who
// may not see it, on a search engine of others, never can.
func (srv *server) watchOpenSearch(ctx context.Context, of searchEngine) {
	for {
		if nodes, err := of.Nodes(ctx); err == nil {
			srv.metrics.OpenSearchSays(nodes)
			if percent := telemetry.DiskPercent(nodes); percent > 0 {
				srv.traffic.Disk(percent)
			}
		}
		if blocked, err := of.WritesBlocked(ctx); err == nil && srv.writesBlocked.Swap(blocked) != blocked {
			srv.log.Write(ctx, logging.DatabaseWritesBlocked{Dependency: "opensearch", Blocked: blocked})
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(watchEvery):
		}
	}
}

// rebuildEvery is how often the log tells of the progress of a rebuild.
const rebuildEvery = 5 * time.Second

// rebuilding logs the beginning, the progress and the end of a rebuild.
func (srv *server) rebuilding() func(done, total int) {
	var told time.Time
	return func(done, total int) {
		if done < total && time.Since(told) < rebuildEvery {
			return
		}
		told = time.Now()
		srv.log.Write(context.Background(), logging.IndexRebuilding{Done: done, Total: total})
	}
}

// newAnalyser makes the analyser of the configured languages. The index holds its terms, so a change of languages reaches a
// server when it starts.
func newAnalyser(c *config.Config) *terms.Analyser {
	if len(c.Retrieval.Languages) == 0 {
		return terms.New([]string{"en"})
	}
	return terms.New(c.Retrieval.Languages)
}

// diskChanged leaves the server ready while it can read and delete.
func (srv *server) diskChanged(state localstore.DiskState, why error) {
	srv.ready.Store(state == localstore.DiskOK || state == localstore.DiskFull)
	if state == localstore.DiskOK {
		srv.log.Write(context.Background(), logging.DiskRecovered{})
		return
	}
	srv.log.Write(context.Background(), logging.DiskFailed{State: string(state), Err: why})
}

// openSearchHealth makes the server ready when the indices can be used. From then on an outage leaves it ready: it
// answers 503 with advice, and takes up again by itself.
func (srv *server) openSearchHealth() func(up bool, err error) {
	lost := false
	return func(up bool, err error) {
		if !up {
			lost = true
			srv.log.Write(context.Background(), logging.DatabaseConnectionLost{Dependency: "opensearch", Code: opensearch.Outcome(err), Err: err})
			return
		}
		srv.ready.Store(true)
		if lost {
			lost = false
			srv.log.Write(context.Background(), logging.DatabaseConnectionRestored{Dependency: "opensearch"})
		}
	}
}

// newSweeper ends what a killed server left half done, and removes feedback that is to be kept no longer.
func (srv *server) newSweeper(store documents, results *cache.Cache) *rag.Sweeper {
	return &rag.Sweeper{
		Documents: store,
		Control:   store,
		Forgetter: results,
		Feedback:  store,
		OnRecover: func(u rag.Unfinished, err error) {
			if err != nil {
				srv.metrics.Recovered(string(u.Kind), rag.KindOf(err).Code)
				return // the round tells of it
			}
			srv.metrics.Recovered(string(u.Kind), "ok")
			srv.log.Write(context.Background(), logging.DocumentRecovered{Tenant: u.Tenant, DocumentID: u.ID, Kind: string(u.Kind), Began: u.Began})
		},
		OnFailure: func(err error) {
			srv.log.Write(context.Background(), logging.RecoveryFailed{Code: rag.KindOf(err).Code, Err: err})
		},
	}
}
