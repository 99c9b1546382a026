package main

import (
	"cmp"
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/budget"
	"github.com/ragservice/ragservice-operator/runtime/cache"
	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/httpapi"
	"github.com/ragservice/ragservice-operator/runtime/jwks"
	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/middleware"
	"github.com/ragservice/ragservice-operator/runtime/models"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/ratelimit"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/runtime/stats"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
	"github.com/ragservice/ragservice-operator/runtime/terms"
)

// server is everything that runs in the process, wired together.
type server struct {
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
	board   *stats.Board
	// keys knows the callers.
	keys middleware.Keyring
	// refusedKeys counts the entries that are none.
	refusedKeys atomic.Int64
	// secrets are all that the log must never hold, those of keys that are no longer known too.
	secrets []string

	started                time.Time
	ready                  atomic.Bool
	openSearch             func() telemetry.DependencyState
	openSearchFault        func() string // nil without OpenSearch
	redisCache, redisState *resilience.Redis
	writesBlocked          atomic.Bool // OpenSearch takes no writes
	evictsBuckets          atomic.Bool // the Redis with the buckets may evict them
	llm                    *models.Chain
	budget                 *budget.Budget
	issuer                 *jwks.Source
}

func (srv *server) close(ctx context.Context) error {
	var errs []error
	for _, c := range srv.closers {
		errs = append(errs, c(ctx))
	}
	return errors.Join(errs...)
}

// newServer wires the packages of the server together. It waits for no store over the network; the embedded
// one is open when it returns, its index rebuilt where another analyser made it.
func newServer(s setup, log *logging.Log, getenv func(string) string) (*server, error) {
	hasher, err := newHasher(s.credentials)
	if err != nil {
		return nil, err
	}
	srv := &server{
		started: time.Now(),
		source:  s.source,
		log:     log,
		metrics: telemetry.NewMetrics(version),
		traffic: telemetry.NewTraffic(time.Now),
		secrets: secrets(s.credentials),
	}
	log.OnDrop(srv.metrics.LogDropped)
	if s.logFile != nil {
		srv.metrics.LogFile(s.logFile.Lost)
	}
	srv.metrics.Traffic(srv.traffic)
	srv.metrics.ConfigApplied(s.source.Hash())
	srv.beginCounters(s.source.Config())
	srv.keysRefused(s.refusedKeys)
	analyser := newAnalyser(s.source.Config()) // one for the index and the answers: they must agree on what a word is
	if srv.issuer, err = srv.newIssuer(s); err != nil {
		return nil, err
	}
	if err := srv.openRedis(s); err != nil {
		return nil, err
	}
	srv.budget = srv.newBudget()
	if srv.llm, err = srv.newChain(s, analyser); err != nil {
		return nil, errors.Join(err, srv.closeRedis(context.Background()))
	}
	store, err := srv.openStore(s, analyser)
	if err != nil {
		return nil, errors.Join(err, srv.closeRedis(context.Background()))
	}
	results := srv.newCache(store)
	pipeline := srv.newPipeline(store, results, analyser, hasher)
	srv.board = srv.newBoard(s)
	srv.closers = append(srv.closers,
		pipeline.Close,
		srv.board.Close,
		results.Close,
		srv.budget.Close,
		func(context.Context) error { return store.Close() },
		srv.closeRedis,
	)
	tracer, err := srv.openTracing(s, getenv)
	if err != nil {
		return nil, errors.Join(err, srv.closeInTime(context.Background()))
	}
	srv.api = srv.newAPI(s, pipeline, hasher, getenv)
	srv.metrics.RequestsWaiting(srv.api.Waiting)
	srv.api.Tracer = tracer
	srv.admin = httpapi.Admin{
		Metrics: srv.metrics.Handler(),
		Statusz: func() telemetry.Statusz { return srv.statusz(getenv("POD_UID")) },
	}
	srv.background = append(srv.background,
		srv.newSweeper(store, results).Run, srv.newWarmer(pipeline).Run, srv.budget.Run, srv.board.Run,
	)
	if !s.alone() {
		srv.background = append(srv.background, func(ctx context.Context) { s.source.Run(ctx, srv.reloaded) })
	}
	if s.keys != nil {
		srv.background = append(srv.background, func(ctx context.Context) {
			s.keys.Run(ctx, srv.keysReloaded)
		})
	}
	return srv, nil
}

// newPipeline is the service with what is measured, traced and kept around its parts.
func (srv *server) newPipeline(store documents, results *cache.Cache, analyser *terms.Analyser, hasher logging.Hasher) *rag.Service {
	answers := timed{results.Generator(answerer{source: srv.source, chain: srv.llm, analyser: analyser})}
	return &rag.Service{
		Retriever: results.Retriever(measured{
			Retriever: rag.NewRetriever(tracedIndex{store}),
			metrics:   srv.metrics,
			log:       srv.log,
			logging:   func() config.Logging { return srv.source.Config().Logging },
			hasher:    hasher,
		}),
		Generator: answers,
		Extractor: traced{models.Extractive{Analyser: analyser}},
		Budget:    srv.budget,
		Documents: store,
		Control:   store,
		Feedback:  store,
		Forgetter: results,
		Settings:  func() rag.Settings { return settings(srv.source.Config()) },
	}
}

// newChain is the model and its fallbacks. Keys are those of the start, and so are the addresses: a key never goes to another's.
func (srv *server) newChain(s setup, analyser *terms.Analyser) (*models.Chain, error) {
	llm := func() config.LLM { return s.source.Config().LLM }
	newModel := func(settings func() config.LLM, key, authority string) (*models.OpenAI, error) {
		roots, err := config.Roots(authority)
		if err != nil {
			return nil, fmt.Errorf("caSecretRef of the model at %s: %w", settings().BaseURL, err)
		}
		model := models.NewOpenAI(settings, key, roots, srv.observeModel)
		model.Resilience = func() config.Resilience { return s.source.Config().Resilience }
		model.Budget, model.OnCost = srv.budget, func(model string, took rag.Cost) { srv.metrics.ModelCost(model, took.USD()) }
		return model, nil
	}
	first, err := newModel(llm, s.credentials.LLMAPIKey, s.credentials.LLMCA)
	if err != nil {
		return nil, err
	}
	srv.metrics.Dependency("llm", guarded(first.Guard()))
	chain := &models.Chain{First: first, Analyser: analyser, OnFallback: srv.metrics.Fallback}
	for i, f := range llm().Fallbacks {
		authority := cmp.Or(s.credentials.LLMFallbackCAs[i], s.credentials.LLMCA)
		fallback, err := newModel(models.Fallback(llm, f), s.credentials.LLMFallbackKeys[i], authority)
		if err != nil {
			return nil, err
		}
		srv.metrics.Dependency(fmt.Sprintf("llm-fallback-%d", i+1), guarded(fallback.Guard()))
		chain.Fallbacks = append(chain.Fallbacks, fallback)
	}
	return chain, nil
}

// newWarmer asks questions before callers do.
func (srv *server) newWarmer(pipeline *rag.Service) *rag.Warmer {
	return &rag.Warmer{
		Service: pipeline,
		Settings: func() rag.WarmSettings {
			c := srv.source.Config().Cache
			if !c.Enabled {
				return rag.WarmSettings{}
			}
			return rag.WarmSettings(c.Warm)
		},
		Turn: func(ctx context.Context) (func(), error) { return srv.api.WarmUp(ctx) },
		OnRound: func(asked, failed int) {
			srv.log.Write(context.Background(), logging.CacheWarmed{Requests: asked, Failed: failed})
		},
	}
}

func (srv *server) newCache(control rag.Control) *cache.Cache {
	return cache.New(cache.Options{
		Redis:    srv.redisCache,
		Config:   srv.source.Config,
		Control:  control,
		OnLookup: func(kind rag.CacheKind, layer, outcome string) { srv.metrics.CacheLookup(string(kind), layer, outcome) },
	})
}

// newAuthentication knows callers in each mode; which one holds is the configuration's to say, at any time.
func (srv *server) newAuthentication(s setup, hasher logging.Hasher) *middleware.Authentication {
	auth := func() config.Auth { return s.source.Config().Auth }
	header := func() (settings config.TrustedHeader) {
		if trusted := auth().TrustedHeader; trusted != nil {
			settings = *trusted
		}
		return settings
	}
	proxies := func() config.TrustedProxies { return auth().TrustedProxies }
	return &middleware.Authentication{
		Mode: func() config.AuthMode { return auth().Mode },
		Modes: map[config.AuthMode]middleware.Authenticator{
			config.AuthAPIKey:        &srv.keys,
			config.AuthAnonymous:     middleware.Anonymous{Keys: &srv.keys, Hasher: hasher, Proxies: proxies, LoopbackAdmin: s.loopbackAdmin},
			config.AuthJWT:           middleware.JWT{Settings: srv.issuer.Settings, Source: srv.issuer, Hasher: hasher},
			config.AuthTrustedHeader: middleware.TrustedHeader{Settings: header, Hasher: hasher},
		},
		Proxies: proxies,
	}
}

// newIssuer has the keys that tokens are checked by.
func (srv *server) newIssuer(s setup) (*jwks.Source, error) {
	roots, err := config.Roots(s.credentials.JWTCA)
	if err != nil {
		return nil, fmt.Errorf("spec.auth.jwt.caSecretRef: %w", err)
	}
	settings := func() (settings config.JWT) {
		if jwt := s.source.Config().Auth.JWT; jwt != nil {
			settings = *jwt
		}
		return settings
	}
	weak := func(keys int) { srv.log.Write(context.Background(), logging.JWKSKeysRefused{Refused: keys}) }
	return &jwks.Source{Settings: settings, Roots: roots, OnFetch: srv.issuerRead, OnWeak: weak}, nil
}

// issuerRead tells how a look at the keys of the issuer of tokens has ended.
func (srv *server) issuerRead(err error) {
	if err == nil {
		srv.metrics.JWKSRead("ok")
		return
	}
	srv.metrics.JWKSRead("error")
	srv.log.Write(context.Background(), logging.JWKSReadFailed{Err: err})
}

func (srv *server) newAPI(s setup, pipeline httpapi.Service, hasher logging.Hasher, getenv func(string) string) *httpapi.API {
	srv.keys.Replace(s.credentials.APIKeys)
	return &httpapi.API{
		Service:        pipeline,
		Authentication: srv.newAuthentication(s, hasher),
		Limiter: ratelimit.New(ratelimit.Options{
			Redis:     srv.redisState,
			Service:   func() config.Service { return s.source.Config().Service },
			OnFailure: func() config.StoreFailure { return s.source.Config().RateLimits.OnStoreFailure },
		}),
		Config:  s.source.Config,
		Log:     srv.log,
		Metrics: srv.metrics,
		Traffic: srv.traffic,
		Stats:   srv.board,
		Hasher:  hasher,
		Budget:  srv.budget,
		Replica: replica(getenv),
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

// newHasher keys the hashes that stand for callers, in the log and in the names of their buckets, with a secret that all replicas of the
// service share. Beside a manifest nobody generates one: there it is a password, which stays while callers' keys change, or the first of
// those.
func newHasher(c config.Credentials) (logging.Hasher, error) {
	secret := cmp.Or(c.CallerHashKey, c.RedisCache.Password, c.RedisState.Password, c.OpenSearch.Password)
	if secret == "" && len(c.APIKeys) > 0 {
		secret = c.APIKeys[0].Key
	}
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "ragservice log", sha256.Size)
	if err != nil {
		return logging.Hasher{}, fmt.Errorf("derive the key of the log's hashes: %w", err)
	}
	return logging.NewHasher(key), nil
}
