package telemetry

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the server's metrics, in a registry of their own. Every label takes its values from a fixed list, from the
// configuration or from the table of routes, so that no caller can make series. docs/metrics.md explains each.
type Metrics struct {
	registry *prometheus.Registry

	requests               *prometheus.HistogramVec
	inFlight               prometheus.Gauge
	errors                 *prometheus.CounterVec
	limits                 *prometheus.CounterVec
	results                *prometheus.CounterVec
	jwksReads              *prometheus.CounterVec
	lookups                *prometheus.CounterVec
	extracted              *prometheus.CounterVec
	savedTokens, savedCost *prometheus.CounterVec
	fallbacks              *prometheus.CounterVec
	shed                   *prometheus.CounterVec
	redis                  *prometheus.HistogramVec
	// A cached answer counts in each of these.
	requestSeries series[requestLabels, prometheus.Observer]
	limitSeries   series[limitLabels, prometheus.Counter]
	resultSeries  series[resultLabels, prometheus.Counter]
	lookupSeries  series[lookupLabels, prometheus.Counter]
	redisSeries   series[redisLabels, prometheus.Observer]

	openSearch *prometheus.HistogramVec
	retrieval  *prometheus.HistogramVec
	found      prometheus.Histogram
	model      modelMetrics
	documents  *prometheus.CounterVec
	recovered  *prometheus.CounterVec
	reloads    *prometheus.CounterVec
	config     *prometheus.GaugeVec
	keys       prometheus.Gauge
	logDropped *prometheus.CounterVec
	budget     budgetMetrics
	feedback   *prometheus.CounterVec

	dependencies *dependencies
	stores       *stores
	spans        *prometheus.CounterVec
}

// Upper bounds of latencies, in seconds: a cached answer takes a millisecond, a model up to a minute, Redis must answer
// within 60 ms.
var (
	requestSeconds = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300}
	workSeconds    = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}
	foundDocuments = []float64{0, 1, 2, 3, 5, 10, 20, 50, 100}
	redisSeconds   = []float64{.00025, .0005, .001, .0025, .005, .01, .02, .04, .06, .1}
)

// NewMetrics makes the metrics of a server of the version.
func NewMetrics(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: histogram("http_server_request_duration_seconds", "Time from a request's headers to the end of its answer.",
			requestSeconds, "http_request_method", "http_route", "http_response_status_code"),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "http_server_active_requests", Help: "Requests that are being answered."}),
		errors:   counter("ragservice_errors_total", "Requests that ended in an error, by its code; error events of streams included.", "code"),
		limits:   counter("ragservice_ratelimit_decisions_total", "Decisions of the rate limiter.", "endpoint", "tier", "decision", "source"),
		results: counter("ragservice_cache_requests_total", "Answered requests by how the cache served their result (X-Cache).",
			"kind", "outcome"),
		savedTokens: counter("ragservice_cache_saved_tokens_total", "Tokens that no model had to read or write, since the answer was cached.",
			genAIModel, genAITokenType),
		savedCost: counter("ragservice_cache_saved_usd_total", "What those tokens would have cost, in US dollars.", genAIModel),
		extracted: counter("ragservice_answers_extracted_total", "Answers made without the model, which was unavailable, by the code of its error.",
			"code"),
		shed:      counter("ragservice_requests_shed_total", "Requests refused because the server had too many.", "endpoint"),
		fallbacks: counter("ragservice_llm_fallbacks_total", "Answers written by a model that stood in for the first one.", genAIModel),
		lookups:   counter("ragservice_cache_lookups_total", "Lookups in a layer of the cache.", "kind", "layer", "outcome"),
		redis: histogram("ragservice_redis_operation_duration_seconds", "Time of an operation on Redis.",
			redisSeconds, "redis", "operation", "outcome"),
		openSearch: histogram("ragservice_opensearch_operation_duration_seconds", "Time of a call to OpenSearch.",
			workSeconds, "operation", "outcome"),
		retrieval: histogram("ragservice_retrieval_duration_seconds", "Time to find passages in the index; cached searches are not counted.",
			workSeconds, "mode", "outcome"),
		found: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "ragservice_retrieval_documents", Help: "Documents of which a search found passages.", Buckets: foundDocuments,
		}),
		model:     newModelMetrics(),
		documents: counter("ragservice_documents_total", "Documents received, by what became of them.", "status"),
		recovered: counter("ragservice_documents_recovered_total", "Writes and deletions that a killed server left half done and this one ended.",
			"kind", "outcome"),
		jwksReads: counter("ragservice_jwks_reads_total", "Looks at the keys of the issuer of tokens.", "outcome"),
		reloads:   counter("ragservice_config_reloads_total", "Configurations taken up or refused while running.", "outcome"),
		config: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "ragservice_config_info", Help: "1 for the hash of the configuration that runs."},
			[]string{"hash"}),
		keys: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ragservice_api_keys_refused", Help: "Entries of the Secret of API keys that are not used, for they are no keys.",
		}),
	}
	m.dependencies = &dependencies{looks: map[string]func() Dependency{}}
	m.stores = &stores{now: time.Now, redis: map[string]said[RedisFigures]{}}
	m.spans = newSpansCounter()
	m.logDropped = counter("ragservice_log_lines_dropped_total", "Lines of the log that its daily volume limit left out, by event.", "event")
	m.feedback = counter("ragservice_feedback_total", "Judgements of callers on answers, by whether the score is above, at or below 0.", "verdict")
	for _, v := range []string{verdictPositive, verdictNeutral, verdictNegative} {
		m.feedback.WithLabelValues(v) // there from the start: a counter that appears with its first count has no increase
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "ragservice_build_info", Help: "1 for the version that runs."}, []string{"version"})
	build.WithLabelValues(version).Set(1)
	m.budget = newBudgetMetrics(m.registry)
	m.registry.MustRegister(
		m.requests, m.inFlight, m.errors, m.limits, m.results, m.lookups, m.savedTokens, m.savedCost, m.extracted, m.fallbacks, m.shed,
		m.redis, m.openSearch, m.retrieval, m.found, m.model.duration, m.model.tokens, m.dependencies, m.stores, m.documents, m.recovered, m.jwksReads, m.reloads, m.config, m.keys, m.logDropped, m.spans, m.feedback, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// Bounds of native histograms.
const (
	nativeFactor  = 1.1       // a bucket is wider by it than the one below, so that quantiles are right to 5 %
	nativeBuckets = 160       // a series has at most, as OpenTelemetry's by default
	nativeReset   = time.Hour // one that has more begins anew, at most as often
)

// histogram is a classic and a native one: Prometheus takes the native where it is set to.
func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor: nativeFactor, NativeHistogramMaxBucketNumber: nativeBuckets, NativeHistogramMinResetDuration: nativeReset,
	}, labels)
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

// Handler answers a scrape.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry, EnableOpenMetrics: true})
}

// Request counts an answered request: route is a pattern of the table of routes, empty when none matched.
func (m *Metrics) Request(ctx context.Context, method, route string, status int, took time.Duration) {
	observe(ctx, m.requestSeries.of(requestLabels{knownMethod(method), route, status}, func(l requestLabels) prometheus.Observer {
		return m.requests.WithLabelValues(l.method, l.route, strconv.Itoa(l.status))
	}), took)
}

type requestLabels struct {
	method, route string
	status        int
}

// knownMethod is the method, or OpenTelemetry's word for any other: callers choose it.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "_OTHER"
}

// InFlight counts a request that begins (1) or ends (-1).
func (m *Metrics) InFlight(change int) { m.inFlight.Add(float64(change)) }

// Error counts a request that ended in an error of the code.
func (m *Metrics) Error(code string) { m.errors.WithLabelValues(code).Inc() }

// Decisions of the limiter: LimitShadowed is a request over its limit that was admitted, since limits are only tried.
const (
	LimitAdmitted = "admitted"
	LimitRefused  = "refused"
	LimitShadowed = "shadowed"
)

// Limit counts a decision of the limiter; source is where it was taken.
func (m *Metrics) Limit(endpoint, tier, decision, source string) {
	m.limitSeries.of(limitLabels{endpoint, tier, source, decision}, func(l limitLabels) prometheus.Counter {
		return m.limits.WithLabelValues(l.endpoint, l.tier, l.decision, l.source)
	}).Inc()
}

type limitLabels struct {
	endpoint, tier, source, decision string
}

// CacheResult counts an answered request by the kind of its result and how the cache served it (HIT, MISS, STALE, BYPASS).
func (m *Metrics) CacheResult(kind, outcome string) {
	m.resultSeries.of(resultLabels{kind, outcome}, func(l resultLabels) prometheus.Counter {
		return m.results.WithLabelValues(l.kind, l.outcome)
	}).Inc()
}

type resultLabels struct{ kind, outcome string }

// Shed counts a request that was refused because the server had too many.
func (m *Metrics) Shed(endpoint string) { m.shed.WithLabelValues(endpoint).Inc() }

// Fallback counts an answer that another model wrote than the first.
func (m *Metrics) Fallback(model string) { m.fallbacks.WithLabelValues(model).Inc() }

// JWKSRead counts a look at the keys of the issuer of tokens; outcome is ok or error.
func (m *Metrics) JWKSRead(outcome string) { m.jwksReads.WithLabelValues(outcome).Inc() }

// CacheSaved counts what an answer from the cache would have taken of its model.
func (m *Metrics) CacheSaved(model string, promptTokens, completionTokens int, costUSD float64) {
	if promptTokens+completionTokens == 0 {
		return // of the extractor
	}
	m.savedTokens.WithLabelValues(model, "input").Add(float64(promptTokens))
	m.savedTokens.WithLabelValues(model, "output").Add(float64(completionTokens))
	m.savedCost.WithLabelValues(model).Add(costUSD)
}

// Extracted counts an answer that was made without the model, which failed with that code.
func (m *Metrics) Extracted(code string) { m.extracted.WithLabelValues(code).Inc() }

// CacheLookup counts a lookup in a layer (local, coalesced, redis); outcome is hit, miss, stale or error, of coalesced only hit.
func (m *Metrics) CacheLookup(kind, layer, outcome string) {
	m.lookupSeries.of(lookupLabels{kind, layer, outcome}, func(l lookupLabels) prometheus.Counter {
		return m.lookups.WithLabelValues(l.kind, l.layer, l.outcome)
	}).Inc()
}

type lookupLabels struct{ kind, layer, outcome string }

// Redis measures an operation on an instance (cache, state); outcome is a resilience.Outcome. One that was not made
// (open, spent) took no time.
func (m *Metrics) Redis(instance, operation, outcome string, took time.Duration) {
	m.redisSeries.of(redisLabels{instance, operation, outcome}, func(l redisLabels) prometheus.Observer {
		return m.redis.WithLabelValues(l.instance, l.operation, l.outcome)
	}).Observe(took.Seconds())
}

type redisLabels struct{ instance, operation, outcome string }

// OpenSearch measures a call; outcome is that of opensearch.Outcome.
func (m *Metrics) OpenSearch(operation, outcome string, took time.Duration) {
	m.openSearch.WithLabelValues(operation, outcome).Observe(took.Seconds())
}

// Retrieval measures a search of the index; outcome is ok, degraded, canceled or the code of the error.
func (m *Metrics) Retrieval(ctx context.Context, mode, outcome string, took time.Duration) {
	observe(ctx, m.retrieval.WithLabelValues(mode, outcome), took)
}

// Found counts the documents of which a search found passages.
func (m *Metrics) Found(documents int) { m.found.Observe(float64(documents)) }

// Documents counts documents that were received; status is created, updated, unchanged or failed.
func (m *Metrics) Documents(status string, n int) {
	m.documents.WithLabelValues(status).Add(float64(n))
}

// Recovered counts a document whose unfinished creation, update or deletion was ended, or that got the terms of the index; outcome is "ok" or the code of the
// error.
func (m *Metrics) Recovered(kind, outcome string) { m.recovered.WithLabelValues(kind, outcome).Inc() }

// ConfigApplied says which configuration runs; at start and after each reload that was taken up.
func (m *Metrics) ConfigApplied(hash string) {
	m.config.Reset()
	m.config.WithLabelValues(hash).Set(1)
	m.reloads.WithLabelValues("applied").Inc()
}

// ConfigRejected counts a configuration that was refused.
func (m *Metrics) ConfigRejected() { m.reloads.WithLabelValues("rejected").Inc() }

// LogDropped counts a line that the log's daily volume limit left out.
func (m *Metrics) LogDropped(event string) { m.logDropped.WithLabelValues(event).Inc() }

// LogFile has a function asked how many lines the log's file lost. Call it once, where there is a file.
func (m *Metrics) LogFile(lost func() int64) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "ragservice_log_file_lines_lost_total", Help: "Lines of the log that its file could not take.",
	}, func() float64 { return float64(lost()) }))
}

// KeysRefused says how many entries of the Secret of API keys are not used; at start and after each change of it.
func (m *Metrics) KeysRefused(n int) { m.keys.Set(float64(n)) }
