package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/middleware"
	"github.com/ragservice/ragservice-operator/runtime/rag"
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
	Ingest(ctx context.Context, id rag.Identity, next func() (rag.Document, error), report func(rag.DocumentResult) error, opt rag.IngestOptions) (rag.IngestSummary, error)
	Document(ctx context.Context, id rag.Identity, documentID string) (rag.ChunkedDocument, error)
	DeleteDocument(ctx context.Context, id rag.Identity, documentID string) error
	CountDocuments(ctx context.Context, id rag.Identity) (int, error)
}

// API is what the handlers work with. All fields but Heartbeat are required.
type API struct {
	Service  Service
	Identity *middleware.Identifier
	Limiter  middleware.Limiter
	// Config is asked for each request.
	Config  func() config.Config
	Log     *logging.Log
	Metrics *telemetry.Metrics
	Traffic *telemetry.Traffic
	Hasher  logging.Hasher
	// Replica names this server in GET stats.
	Replica string
	// Heartbeat is how often a stream that waits says so; 0 for 10 s.
	Heartbeat time.Duration
}

// Deadlines of whole requests.
const (
	requestDeadline = time.Minute
	// Streams of answers and of documents go on as long as their other end does, within this.
	streamDeadline = 5 * time.Minute
)

// route is a row of the table of routes.
type route struct {
	method, path string
	// limit is the endpoint's name in rateLimits.
	limit string
	// role is what the caller must have.
	role     rag.Role
	deadline time.Duration
	// params are the query parameters beside tenant.
	params []string
	handle handler
}

func (a *API) routes() []route {
	return []route{
		{"POST", "/api/v1/search", "search", rag.RoleClient, requestDeadline, nil, a.search},
		{"POST", "/api/v1/ask", "ask", rag.RoleClient, requestDeadline, nil, a.ask},
		{"POST", "/api/v1/stream", "stream", rag.RoleClient, streamDeadline, nil, a.stream},
		{"POST", "/api/v1/documents", "documents", rag.RoleAdmin, streamDeadline, []string{"refresh", "stream"}, a.ingest},
		{"GET", "/api/v1/documents/{id}", "documents", rag.RoleAdmin, requestDeadline, nil, a.document},
		{"DELETE", "/api/v1/documents/{id}", "documents", rag.RoleAdmin, requestDeadline, nil, a.deleteDocument},
		{"GET", "/api/v1/stats", "stats", rag.RoleClient, requestDeadline, nil, a.stats},
	}
}

// Handler answers every request to the API, those that match no route included.
func (a *API) Handler() http.Handler {
	limits := &middleware.Limits{Limiter: a.Limiter, Table: func() config.RateLimits { return a.Config().RateLimits }, Metrics: a.Metrics}
	stack := &middleware.Stack{Log: a.Log, Metrics: a.Metrics, Traffic: a.Traffic, Identity: a.Identity, Fail: fail}
	mux := http.NewServeMux()
	for _, rt := range a.routes() {
		mux.Handle(rt.method+" "+rt.path, stack.Inside(serve(rt, limits), rt.path, rt.role, rt.deadline))
	}
	return stack.Outside(matchOrFail(mux))
}
