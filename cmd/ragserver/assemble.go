package main

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/cache"
	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/httpapi"
	"github.com/ragservice/ragservice-operator/runtime/localstore"
	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/middleware"
	"github.com/ragservice/ragservice-operator/runtime/models"
	"github.com/ragservice/ragservice-operator/runtime/opensearch"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/ratelimit"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// documents is what a search engine offers to the pipeline.
type documents interface {
	rag.Retriever
	rag.DocumentStore
	rag.Control
	Close() error
}

// assembly is a server put together and not yet running.
type assembly struct {
	api   *httpapi.API
	admin httpapi.Admin
	// background runs beside the requests until its context ends.
	background []func(context.Context)
	// closers end what requests leave behind, in this order.
	closers []func(context.Context) error

	source  *config.Source
	log     *logging.Log
	metrics *telemetry.Metrics
	traffic *telemetry.Traffic

	ready                  atomic.Bool
	openSearch             func() telemetry.DependencyState
	redisCache, redisState *resilience.Redis
	llm                    *models.OpenAI
}

func (a *assembly) close(ctx context.Context) error {
	var errs []error
	for _, c := range a.closers {
		errs = append(errs, c(ctx))
	}
	return errors.Join(errs...)
}

// assemble wires the packages of the server together. It opens stores, but waits for none.
func assemble(s setup, log *logging.Log, getenv func(string) string) (*assembly, error) {
	hasher, err := newHasher(s.credentials)
	if err != nil {
		return nil, err
	}
	a := &assembly{source: s.source, log: log, metrics: telemetry.NewMetrics(version), traffic: telemetry.NewTraffic(time.Now)}
	a.metrics.ConfigApplied(s.source.Hash())
	store, err := a.openStore(s)
	if err != nil {
		return nil, err
	}
	a.openRedis(s)
	a.llm = models.NewOpenAI(func() config.LLM { return s.source.Config().LLM }, s.credentials.LLMAPIKey, a.observeModel)
	results := a.newCache(store)
	pipeline := &rag.Service{
		Retriever: results.Retriever(measured{store, a.metrics}), Generator: results.Generator(answerer{s.source, a.llm}), Answers: results,
		Documents: store, Control: store, Forgetter: results, Settings: func() rag.Settings { return settings(s.source.Config()) },
	}
	a.closers = append(a.closers, pipeline.Close, results.Close,
		func(context.Context) error { return store.Close() }, a.closeRedis)
	a.api = a.newAPI(s, pipeline, hasher, getenv)
	a.admin = httpapi.Admin{Metrics: a.metrics.Handler(), Statusz: func() telemetry.Statusz { return a.statusz(getenv("POD_UID")) }}
	if !s.alone() {
		a.background = append(a.background, func(ctx context.Context) { s.source.Run(ctx, a.reloaded) })
	}
	return a, nil
}

// openStore opens the search engine: OpenSearch, or the one inside the server.
func (a *assembly) openStore(s setup) (documents, error) {
	stores := s.source.Config().Stores
	if stores.OpenSearch == nil {
		store, err := localstore.Open(localstore.Options{Dir: filepath.Join(s.dataDir, "documents")})
		if err != nil {
			return nil, err
		}
		a.openSearch = func() telemetry.DependencyState { return telemetry.DependencyUnused }
		a.ready.Store(true)
		return store, nil
	}
	store, err := opensearch.New(opensearch.Options{Config: *stores.OpenSearch, Observe: a.metrics.OpenSearch, OnHealth: a.openSearchHealth()})
	if err != nil {
		return nil, fmt.Errorf("stores.openSearch: %w", err)
	}
	a.openSearch = store.State
	a.background = append(a.background, store.Run)
	return store, nil
}

// openSearchHealth makes the server ready when the indices can be used. From then on an outage leaves it ready: it
// answers 503 with advice, and takes up again by itself.
func (a *assembly) openSearchHealth() func(up bool, err error) {
	lost := false
	return func(up bool, err error) {
		if !up {
			lost = true
			a.log.Warn(logging.DatabaseConnectionLost, "dependency", "opensearch", "code", rag.KindOf(err).Code, "error", err)
			return
		}
		a.ready.Store(true)
		if lost {
			lost = false
			a.log.Info(logging.DatabaseConnectionRestored, "dependency", "opensearch")
		}
	}
}

func (a *assembly) openRedis(s setup) {
	stores := s.source.Config().Stores.Redis
	if stores == nil {
		return
	}
	open := func(instance string, r config.RedisInstance) *resilience.Redis {
		return resilience.NewRedis(resilience.RedisOptions{
			Address: r.Address, Password: s.credentials.RedisPassword,
			OnCall: func(operation string, outcome resilience.RedisOutcome, took time.Duration) {
				a.metrics.Redis(instance, operation, string(outcome), took)
			},
			OnHealth: func(health resilience.Health, why resilience.RedisOutcome) {
				if health == resilience.HealthUp {
					a.log.Info(logging.DatabaseConnectionRestored, "dependency", "redis-"+instance)
					return
				}
				a.log.Warn(logging.DatabaseConnectionLost, "dependency", "redis-"+instance, "code", string(why))
			},
		})
	}
	a.redisCache, a.redisState = open("cache", stores.Cache), open("state", stores.State)
}

func (a *assembly) closeRedis(context.Context) error {
	if a.redisCache == nil {
		return nil
	}
	return errors.Join(a.redisCache.Close(), a.redisState.Close())
}

func (a *assembly) newCache(control rag.Control) *cache.Cache {
	return cache.New(cache.Options{
		Redis: a.redisCache, Config: a.source.Config, Control: control, OnLookup: a.metrics.CacheLookup,
	})
}

func (a *assembly) newAPI(s setup, pipeline httpapi.Service, hasher logging.Hasher, getenv func(string) string) *httpapi.API {
	keys := &middleware.Keyring{}
	keys.Replace(s.credentials.APIKeys)
	return &httpapi.API{
		Service: pipeline,
		Identity: &middleware.Identifier{
			Keys: keys, Mode: func() config.AuthMode { return s.source.Config().Auth.Mode }, Hasher: hasher, LoopbackAdmin: s.alone(),
		},
		Limiter: ratelimit.New(ratelimit.Options{Redis: a.redisState, Service: func() config.Service { return s.source.Config().Service }}),
		Config:  s.source.Config, Log: a.log.Logger, Metrics: a.metrics, Traffic: a.traffic, Hasher: hasher, Replica: replica(getenv),
	}
}

// replica names this server: its pod, or the machine that it runs on alone.
func replica(getenv func(string) string) string {
	if pod := getenv("POD_NAME"); pod != "" {
		return pod
	}
	host, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return host
}

// newHasher keys the hashes in the log with a secret that all replicas of the service share.
func newHasher(c config.Credentials) (logging.Hasher, error) {
	secret := c.RedisPassword
	if secret == "" && len(c.APIKeys) > 0 {
		secret = c.APIKeys[0].Key
	}
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "ragservice log", sha256.Size)
	if err != nil {
		return logging.Hasher{}, fmt.Errorf("derive the key of the log's hashes: %w", err)
	}
	return logging.NewHasher(key), nil
}
