package httpapi

import (
	"context"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/semaphore"

	"github.com/ragservice/ragservice-operator/runtime/admission"
	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/middleware"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/stats"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// Service is what the API offers over HTTP. *rag.Service is one.
type Service interface {
	// Search, Ask and Stream refuse a request that is not valid, then call opt.Admit, then work.
	Search(ctx context.Context, id rag.Identity, r rag.SearchRequest, opt rag.RequestOptions) (rag.SearchResult, error)
	Ask(ctx context.Context, id rag.Identity, r rag.AskRequest, opt rag.RequestOptions) (rag.Answer, error)
	// Stream calls events in order: Meta once retrieval is done, then Token and Citation as they come. It returns what
	// Ask would have answered.
	Stream(ctx context.Context, id rag.Identity, r rag.AskRequest, opt rag.RequestOptions, events rag.StreamEvents) (rag.Answer, error)
	// Ingest takes documents from next until io.EOF and reports each, in order, when it is done.
	Ingest(
		ctx context.Context, id rag.Identity, next func() (rag.Document, error), report func(rag.DocumentResult) error, opt rag.IngestOptions,
	) (rag.IngestSummary, error)
	Document(ctx context.Context, id rag.Identity, documentID string) (rag.ChunkedDocument, error)
	DeleteDocument(ctx context.Context, id rag.Identity, documentID string) error
	// Invalidate answers how many cached results were dropped, by kind.
	Invalidate(ctx context.Context, id rag.Identity, r rag.InvalidateRequest) (map[rag.CacheKind]int, error)
	CountDocuments(ctx context.Context, id rag.Identity) (int, error)
	// GiveFeedback and ListFeedback refuse a request that is not valid, then call admit, then work.
	GiveFeedback(ctx context.Context, id rag.Identity, r rag.FeedbackRequest, admit func(context.Context) error) (rag.Feedback, error)
	ListFeedback(ctx context.Context, id rag.Identity, r rag.FeedbackListRequest, admit func(context.Context) error) (rag.FeedbackList, error)
}

// API is what the handlers work with. All fields but Heartbeat and Tracer are required.
type API struct {
	Service Service
	// Authentication tells who a request comes from.
	Authentication *middleware.Authentication
	Limiter        middleware.Limiter
	// Config is asked for each request.
	Config  func() *config.Config
	Log     *logging.Log
	Metrics *telemetry.Metrics
	Traffic *telemetry.Traffic
	// Stats has the figures of GET stats, and counts queries.
	Stats  *stats.Board
	Hasher logging.Hasher
	// Budget is told of in GET stats; nil without one.
	Budget Budgets
	// Replica names this server in GET stats.
	Replica string
	// Heartbeat is how often a stream that waits says so; 0 for 10 s.
	Heartbeat time.Duration

	// Tracer samples requests; nil for no traces.
	Tracer trace.Tracer

	// gate bounds the requests that are worked on at once.
	gate *admission.Gate
	// reads are the turns of long documents; see readTurn.
	reads *semaphore.Weighted
}

// Timeouts of whole requests.
const (
	requestTimeout = time.Minute
	// streamTimeout is for streams of answers and of documents, which go on as long as their other end does.
	streamTimeout = 5 * time.Minute
	// answerMargin is what an answer takes beside the model's time: retrieval, and the sending.
	answerMargin = 15 * time.Second
)

func plainTimeout(*config.Config) time.Duration { return requestTimeout }

func uploadTimeout(*config.Config) time.Duration { return streamTimeout }

// askTimeout leaves the model all the time that the configuration gives it.
func askTimeout(c *config.Config) time.Duration {
	return max(requestTimeout, c.LLM.Timeout.D()+answerMargin)
}

// answerStreamTimeout does so for a stream, of which the model's time is the wait for the first word.
func answerStreamTimeout(c *config.Config) time.Duration {
	return max(streamTimeout, c.LLM.Timeout.D()+answerMargin)
}

// route is a row of the table of routes.
type route struct {
	method, path string
	// limit is the endpoint's name in rateLimits.
	limit string
	// priority is how late it is refused when the server has too much to do.
	priority admission.Priority
	// role is what the caller must have.
	role rag.Role
	// timeout bounds the whole request.
	timeout func(*config.Config) time.Duration
	// params are the query parameters beside tenant.
	params  []string
	dialect dialect
	handle  handler
}

func (a *API) routes() []route { return append(a.questionRoutes(), a.adminRoutes()...) }

// questionRoutes are those for everybody.
func (a *API) questionRoutes() []route {
	return []route{
		{
			method:   http.MethodPost,
			path:     "/api/v1/search",
			limit:    "search",
			priority: admission.Search,
			role:     rag.RoleClient,
			timeout:  plainTimeout,
			dialect:  native,
			handle:   a.search,
		},
		{
			method:   http.MethodPost,
			path:     "/api/v1/ask",
			limit:    "ask",
			priority: admission.Ask,
			role:     rag.RoleClient,
			timeout:  askTimeout,
			dialect:  native,
			handle:   a.ask,
		},
		{
			method:   http.MethodPost,
			path:     "/api/v1/stream",
			limit:    "stream",
			priority: admission.Stream,
			role:     rag.RoleClient,
			timeout:  answerStreamTimeout,
			dialect:  native,
			handle:   a.stream,
		},
		{
			method:   http.MethodGet,
			path:     "/api/v1/stats",
			limit:    "stats",
			priority: admission.Search,
			role:     rag.RoleClient,
			timeout:  plainTimeout,
			params:   []string{"scope"},
			dialect:  native,
			handle:   a.stats,
		},
		{
			method:   http.MethodPost,
			path:     "/api/v1/feedback",
			limit:    "feedback",
			priority: admission.Search,
			role:     rag.RoleClient,
			timeout:  plainTimeout,
			dialect:  native,
			handle:   a.giveFeedback,
		},
	}
}

// adminRoutes are those for administrators.
func (a *API) adminRoutes() []route {
	return []route{
		{
			method:   http.MethodPost,
			path:     "/api/v1/documents",
			limit:    "documents",
			priority: admission.Stream,
			role:     rag.RoleAdmin,
			timeout:  uploadTimeout,
			params:   []string{"refresh", "stream"},
			dialect:  native,
			handle:   a.ingest,
		},
		{
			method:   http.MethodGet,
			path:     "/api/v1/documents/{id}",
			limit:    "documents",
			priority: admission.Search,
			role:     rag.RoleAdmin,
			timeout:  plainTimeout,
			dialect:  native,
			handle:   a.document,
		},
		{
			method:   http.MethodDelete,
			path:     "/api/v1/documents/{id}",
			limit:    "documents",
			priority: admission.Search,
			role:     rag.RoleAdmin,
			timeout:  plainTimeout,
			dialect:  native,
			handle:   a.deleteDocument,
		},
		{
			method:   http.MethodPost,
			path:     "/api/v1/cache/invalidate",
			limit:    "invalidate",
			priority: admission.Search,
			role:     rag.RoleAdmin,
			timeout:  plainTimeout,
			dialect:  native,
			handle:   a.invalidate,
		},
		{
			method:   http.MethodGet,
			path:     "/api/v1/feedback",
			limit:    "feedback",
			priority: admission.Search,
			role:     rag.RoleAdmin,
			timeout:  plainTimeout,
			params:   []string{"cursor", "limit"},
			dialect:  native,
			handle:   a.listFeedback,
		},
	}
}

// Handler answers every request to the API, those that match no route included.
func (a *API) Handler() http.Handler {
	a.gate = &admission.Gate{Settings: func() admission.Settings {
		limits := a.Config().Resilience.OrDefault()
		return admission.Settings{MaxInFlight: limits.MaxInFlight, QueueTimeout: limits.QueueTimeout.D()}
	}}
	a.reads = semaphore.NewWeighted(largeReads)
	limits := &middleware.Limits{
		Limiter: a.Limiter,
		Table:   func() config.RateLimits { return a.Config().RateLimits },
		Metrics: a.Metrics,
		Log:     a.Log,
	}
	stack := &middleware.Stack{
		Log:            a.Log,
		Metrics:        a.Metrics,
		Traffic:        a.Traffic,
		Authentication: a.Authentication,
		CORS:           func() config.CORS { return a.Config().CORS },
		Fail:           fail,
		Tracer:         a.Tracer,
	}
	paths := map[string]methods{}
	for _, rt := range a.routes() {
		if paths[rt.path] == nil {
			paths[rt.path] = methods{}
		}
		paths[rt.path][rt.method] = stack.Inside(a.serve(rt, limits), middleware.Route{
			Endpoint: rt.limit,
			Pattern:  rt.path,
			Role:     rt.role,
			Timeout:  func() time.Duration { return rt.timeout(a.Config()) },
			Fail:     rt.dialect.fail,
		})
	}
	return stack.Outside(newRouter(paths))
}
