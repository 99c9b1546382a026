package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/httpapi"
	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/middleware"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/ratelimit"
	"github.com/ragservice/ragservice-operator/runtime/stats"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
	"github.com/ragservice/ragservice-operator/test/logtest"
)

// Keys of the fixture's callers.
const (
	adminKey   = "admin-key-0123456789abcdef"
	tenantKey  = "tenant-admin-key-0123456789"
	clientKey  = "client-key-0123456789abcdef"
	premiumKey = "premium-key-0123456789abcde"
)

var apiKeys = []config.APIKey{
	{Name: "root", Key: adminKey, Role: "admin"},
	{Name: "acme-admin", Key: tenantKey, Role: "admin", Tenant: "acme"},
	{Name: "alice", Key: clientKey, Tier: "free", Tenant: "acme"},
	{Name: "bob", Key: premiumKey, Tier: "premium"},
}

// fakeService has a function for each method, with answers that are good enough where a test sets none. Requests are
// judged by the domain's own rules.
type fakeService struct {
	search func(context.Context, rag.Identity, rag.SearchRequest) (rag.SearchResult, error)
	ask    func(context.Context, rag.Identity, rag.AskRequest) (rag.Answer, error)
	stream func(context.Context, rag.Identity, rag.AskRequest, rag.StreamEvents) (rag.Answer, error)
	ingest func(context.Context, rag.Identity, func() (rag.Document, error), func(rag.DocumentResult) error,
		rag.IngestOptions) (rag.IngestSummary, error)
	document func(context.Context, rag.Identity, string) (rag.ChunkedDocument, error)
	remove   func(context.Context, rag.Identity, string) error
	count    func(context.Context, rag.Identity) (int, error)
	// invalidate is asked for when a request was valid.
	invalidate func(context.Context, rag.Identity, rag.InvalidateRequest) (map[rag.CacheKind]int, error)
	// feedback is a store of a test that needs one.
	feedback rag.FeedbackStore
}

var (
	_ httpapi.Service = (*rag.Service)(nil)
	_ httpapi.Service = (*fakeService)(nil)
)

// domain validates and admits requests as the service does: it is one, with a retriever that finds nothing.
var domain = rag.Service{Retriever: nothingFound{}, Control: nothingFound{}, Forgetter: nothingFound{}, Settings: func() rag.Settings {
	return rag.Settings{Retrieval: rag.RetrievalSettings{TopK: 5, MaxTopK: 50}}
}}

type nothingFound struct{ rag.Control }

func (nothingFound) Invalidate(context.Context, rag.Invalidation) error { return nil }

func (nothingFound) Settle(context.Context) error { return nil }

func (nothingFound) Forget(context.Context, rag.Invalidation) map[rag.CacheKind]int { return nil }

func (nothingFound) Retrieve(context.Context, rag.Query) (rag.Retrieval, error) {
	return rag.Retrieval{}, nil
}

func (f *fakeService) Search(ctx context.Context, id rag.Identity, r rag.SearchRequest, opt rag.RequestOptions) (rag.SearchResult, error) {
	if _, err := domain.Search(ctx, id, r, opt); err != nil {
		return rag.SearchResult{}, err
	}
	return f.search(ctx, id, r)
}

func (f *fakeService) Ask(ctx context.Context, id rag.Identity, r rag.AskRequest, opt rag.RequestOptions) (rag.Answer, error) {
	if _, err := domain.Ask(ctx, id, r, opt); err != nil {
		return rag.Answer{}, err
	}
	return f.ask(ctx, id, r)
}

func (f *fakeService) Stream(ctx context.Context, id rag.Identity, r rag.AskRequest, opt rag.RequestOptions, e rag.StreamEvents) (rag.Answer, error) {
	if _, err := domain.Ask(ctx, id, r, opt); err != nil {
		return rag.Answer{}, err
	}
	return f.stream(ctx, id, r, e)
}

func (f *fakeService) Ingest(ctx context.Context, id rag.Identity, next func() (rag.Document, error), report func(rag.DocumentResult) error, opt rag.IngestOptions) (rag.IngestSummary, error) {
	return f.ingest(ctx, id, next, report, opt)
}

func (f *fakeService) Document(ctx context.Context, id rag.Identity, documentID string) (rag.ChunkedDocument, error) {
	return f.document(ctx, id, documentID)
}

func (f *fakeService) DeleteDocument(ctx context.Context, id rag.Identity, documentID string) error {
	return f.remove(ctx, id, documentID)
}

func (f *fakeService) Invalidate(ctx context.Context, id rag.Identity, r rag.InvalidateRequest) (map[rag.CacheKind]int, error) {
	if _, err := domain.Invalidate(ctx, id, r); err != nil {
		return nil, err
	}
	return f.invalidate(ctx, id, r)
}

func (f *fakeService) CountDocuments(ctx context.Context, id rag.Identity) (int, error) {
	return f.count(ctx, id)
}

func (f *fakeService) GiveFeedback(ctx context.Context, id rag.Identity, r rag.FeedbackRequest, admit func(context.Context) error) (rag.Feedback, error) {
	return (&rag.Service{Feedback: f.feedback}).GiveFeedback(ctx, id, r, admit)
}

func (f *fakeService) ListFeedback(ctx context.Context, id rag.Identity, r rag.FeedbackListRequest, admit func(context.Context) error) (rag.FeedbackList, error) {
	return (&rag.Service{Feedback: f.feedback}).ListFeedback(ctx, id, r, admit)
}

// miss and hit are how a cache may have served a result.
var (
	miss = rag.CacheInfo{Outcome: rag.CacheMiss}
	hit  = rag.CacheInfo{Outcome: rag.CacheHit, Age: 42*time.Second + 900*time.Millisecond}
)

func goodService() *fakeService {
	chunk := rag.Chunk{ID: "a#0", DocumentID: "a", Title: "A", Text: "Attention <b>is</b> all.", Span: rag.Span{End: 24}, ContentHash: "inner"}
	citation := rag.Citation{Marker: 1, ChunkID: "a#0", DocumentID: "a", Title: "A", Score: 1.5, Span: rag.Span{End: 9}, Quote: "Attention"}
	answer := rag.Answer{
		Text: "Attention [1].", Citations: []rag.Citation{citation}, Sources: []string{"a"}, ChunksUsed: 1, Mode: rag.ModeKeyword,
		Model: "extractive", Usage: rag.Usage{PromptTokens: 3, CompletionTokens: 2}, FinishReason: "stop", Cache: miss,
	}
	return &fakeService{
		search: func(_ context.Context, _ rag.Identity, r rag.SearchRequest) (rag.SearchResult, error) {
			return rag.SearchResult{Query: r.Query, Retrieval: rag.Retrieval{
				Hits: []rag.Hit{{Chunk: chunk, Score: 1.5}}, Total: 1, Mode: rag.ModeKeyword, Cache: miss,
			}}, nil
		},
		ask: func(_ context.Context, _ rag.Identity, r rag.AskRequest) (rag.Answer, error) {
			a := answer
			a.Query = r.Query
			return a, nil
		},
		stream: func(_ context.Context, _ rag.Identity, r rag.AskRequest, e rag.StreamEvents) (rag.Answer, error) {
			a := answer
			a.Query = r.Query
			_ = e.Meta(rag.StreamMeta{Query: r.Query, ChunksUsed: 1, Mode: a.Mode, Model: a.Model, Cache: miss})
			_ = e.Token("Attention ")
			_ = e.Token("[1].")
			return a, e.Citation(citation)
		},
		ingest: ingestAll,
		document: func(_ context.Context, _ rag.Identity, id string) (rag.ChunkedDocument, error) {
			return rag.ChunkedDocument{Document: rag.Document{ID: id, Title: "A", Text: chunk.Text}, Chunks: []rag.Chunk{chunk}, Hash: "inner"}, nil
		},
		remove: func(context.Context, rag.Identity, string) error { return nil },
		count:  func(context.Context, rag.Identity) (int, error) { return 7, nil },
		invalidate: func(context.Context, rag.Identity, rag.InvalidateRequest) (map[rag.CacheKind]int, error) {
			return map[rag.CacheKind]int{rag.CacheLLM: 2}, nil
		},
	}
}

// ingestAll creates each document as it comes.
func ingestAll(_ context.Context, _ rag.Identity, next func() (rag.Document, error), report func(rag.DocumentResult) error, _ rag.IngestOptions) (rag.IngestSummary, error) {
	var summary rag.IngestSummary
	for i := 0; ; i++ {
		d, err := next()
		if err == io.EOF { //nolint:errorlint // the contract of next
			return summary, nil
		}
		if err != nil {
			return summary, err
		}
		result := rag.DocumentResult{Index: i, ID: d.ID, Status: rag.StatusCreated, Chunks: 1}
		if err := d.Validate(); err != nil {
			result.Status, result.Err, result.Chunks = rag.StatusFailed, err, 0
			summary.Failed++
		} else {
			summary.Created++
		}
		if err := report(result); err != nil {
			return summary, err
		}
	}
}

// logBuffer keeps the log of a server.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// fixture is an API that listens on loopback.
type fixture struct {
	testing.TB
	api     *httpapi.API
	service *fakeService
	config  config.Config
	log     *logBuffer
	// passed is by how much the clock of a cache is ahead.
	passed *atomic.Int64
	keys   *middleware.Keyring
	// anonymous is what mode Anonymous does.
	anonymous middleware.Anonymous
	url       string
	handler   http.Handler
}

type option func(*fixture)

// start serves the API over real connections.
func start(t *testing.T, options ...option) *fixture {
	t.Helper()
	f := build(t, options...)
	server := httptest.NewUnstartedServer(f.handler)
	server.Config.ReadTimeout = 5 * time.Second
	server.Config.IdleTimeout = time.Minute // else ReadTimeout: a request on a connection that is being closed fails
	server.Start()
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

func build(tb testing.TB, options ...option) *fixture {
	tb.Helper()
	f := &fixture{TB: tb, service: goodService(), log: &logBuffer{}}
	f.config = config.Config{
		Auth: config.Auth{Mode: config.AuthAPIKey},
		RateLimits: config.RateLimits{DefaultTier: "free", Limits: []config.Limit{
			{Endpoint: "search", Tier: "free", RequestsPerMinute: 60, Burst: 60, Cost: 1},
			{Endpoint: "ask", Tier: "free", RequestsPerMinute: 10, Burst: 10, Cost: 1},
			{Endpoint: "ask", Tier: "premium", RequestsPerMinute: 100, Burst: 100, Cost: 1},
			{Endpoint: "stream", Tier: "free", RequestsPerMinute: 5, Burst: 5, Cost: 1},
		}},
	}
	f.keys = &middleware.Keyring{}
	f.keys.Replace(apiKeys)
	hasher := logging.NewHasher([]byte("key of the fixture"))
	f.anonymous = middleware.Anonymous{Keys: f.keys, Hasher: hasher}
	now := func() *config.Config { return &f.config }
	f.api = &httpapi.API{
		Service: f.service,
		Authentication: &middleware.Authentication{
			Mode: func() config.AuthMode { return now().Auth.Mode },
			Modes: map[config.AuthMode]middleware.Authenticator{
				config.AuthAPIKey:    f.keys,
				config.AuthAnonymous: &f.anonymous,
			},
		},
		Limiter: ratelimit.New(ratelimit.Options{Service: func() config.Service { return config.Service{Replicas: 1} }}),
		Config:  now,
		Log:     logging.New(logtest.Writer(tb, f.log)),
		Metrics: telemetry.NewMetrics("test"),
		Traffic: telemetry.NewTraffic(time.Now),
		Hasher:  hasher,
		Replica: "server-0",
	}
	f.api.Stats = newBoard(f)
	for _, o := range options {
		o(f)
	}
	f.handler = f.api.Handler()
	return f
}

// newBoard has the figures of one server that stands alone.
func newBoard(f *fixture) *stats.Board {
	return stats.New(stats.Options{
		Traffic:    f.api.Traffic,
		LogQueries: func() config.LogQueries { return f.config.Logging.LogQueries },
	})
}

// reply is an answer, read to its end.
type reply struct {
	status int
	header http.Header
	body   string
	// close says that the connection is not kept.
	close bool
}

// call sends a request with the client's key, JSON and headers given as "Name: value"; an empty value removes one.
func (f *fixture) call(method, path, body string, headers ...string) reply {
	f.Helper()
	r, err := http.NewRequestWithContext(f.Context(), method, f.url+path, strings.NewReader(body))
	if err != nil {
		f.Fatal(err)
	}
	r.Header.Set("X-API-Key", clientKey)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if r.Header.Del(name); value != "" {
			r.Header.Set(name, value)
		}
	}
	return f.do(r)
}

func (f *fixture) do(r *http.Request) reply {
	f.Helper()
	got, err := send(http.DefaultClient, r)
	if err != nil {
		f.Fatal(err)
	}
	return got
}

func send(client *http.Client, r *http.Request) (reply, error) {
	got, err := client.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = got.Body.Close() }()
	body, err := io.ReadAll(got.Body)
	return reply{status: got.StatusCode, header: got.Header, body: string(body), close: got.Close}, err
}

// asAdmin is the header of the administrator without a tenant.
const asAdmin = "X-API-Key: " + adminKey

// decode reads a body that is JSON.
func (r reply) decode(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.body), into); err != nil {
		t.Fatalf("%q: %v", r.body, err)
	}
}

// message is what the caller is told.
func (r reply) message(t *testing.T) string {
	t.Helper()
	var e struct{ Error struct{ Message string } }
	r.decode(t, &e)
	return e.Error.Message
}

// errorOf is the envelope's code and the fields that it names.
func (r reply) errorOf(t *testing.T) (code string, fields []string) {
	t.Helper()
	var e struct {
		Error struct {
			Code    string
			Message string
			Details struct{ Fields []rag.FieldError }
		}
	}
	r.decode(t, &e)
	if e.Error.Message == "" {
		t.Errorf("no message in %s", r.body)
	}
	for _, f := range e.Error.Details.Fields {
		fields = append(fields, f.Field)
	}
	return e.Error.Code, fields
}

// listen opens a port of this machine.
func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}
