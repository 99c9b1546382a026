package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/test/backends"
	"github.com/ragservice/ragservice-operator/test/openaitest"
)

const tracedManifest = `
apiVersion: ragservice.dev/v1alpha1
kind: RAGService
metadata: {name: papers}
spec:
  models: {llm: {provider: OpenAI, model: writer, baseURL: '%s'}}
  redis: {external: {addresses: ['%s'], authSecretRef: {name: redis}}}
  resilience: {retries: 0}
  rateLimits: {endpoints: [{name: stream, requestsPerMinute: 1, burst: 1}]}
  monitoring: {tracing: {%s, samplingPercent: %d, headersSecretRef: {name: spans, key: headers}}}
  logging: {logQueries: %s}
---
{apiVersion: v1, kind: Secret, metadata: {name: redis}, stringData: {password: password-of-redis-0123456789}}
---
{apiVersion: v1, kind: Secret, metadata: {name: spans}, stringData: {headers: "x-key=header-canary-0123456789"}}
`

// tracedServer is a server alone that sends spans to a real collector, with a real Redis and a scripted model.
type tracedServer struct {
	*running
	collector *backends.Collector
	model     *openaitest.Server
	key       string
}

func startTraced(t *testing.T, protocol string, percent int, logQueries string) *tracedServer {
	t.Helper()
	s := &tracedServer{collector: backends.NewCollector(t), model: openaitest.New(t)}
	redis := backends.Redis(t, "--requirepass", "password-of-redis-0123456789")
	endpoint := map[string]string{"GRPC": s.collector.GRPC, "HTTP": s.collector.HTTP}[protocol]
	dir := t.TempDir()
	manifest := fmt.Sprintf(tracedManifest, s.model.BaseURL(), redis.Addr(),
		fmt.Sprintf("endpoint: 'http://%s', protocol: %s", endpoint, protocol), percent, logQueries)
	s.running = startAlone(t, write(t, "ragservice.yaml", manifest), dir)
	s.key = generatedKey(t, dir, "admin")
	upload(t, s.running, s.key)
	return s
}

// ask sends a question and returns the trace that its answer names.
func (s *tracedServer) ask(t *testing.T, path, query string, want int, header ...string) (trace string) {
	t.Helper()
	trace, status := s.try(t, path, query, header...)
	if status != want {
		t.Fatalf("%s: %d, want %d", path, status, want)
	}
	return trace
}

func (s *tracedServer) try(t *testing.T, path, query string, header ...string) (trace string, status int) {
	t.Helper()
	body := strings.NewReader(`{"query":"` + query + `"}`)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Api-Key", s.key)
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	trace = strings.Split(response.Header.Get("Traceparent"), "-")[1]
	if !strings.Contains(string(text), `"trace_id":"`+trace+`"`) {
		t.Errorf("%s: traceparent is of %s, the body is %s", path, trace, text)
	}
	await(t, "a line of the log of trace "+trace, func() bool { return strings.Contains(s.output.String(), `"trace_id":"`+trace+`"`) })
	return trace, response.StatusCode
}

// spans waits for the root of a trace, which ends last, and returns its spans by name.
func (s *tracedServer) spans(t *testing.T, trace string) (byName map[string]backends.CollectedSpan, tree string) {
	t.Helper()
	var all []backends.CollectedSpan
	byName = map[string]backends.CollectedSpan{}
	await(t, "the trace "+trace+" in the collector", func() bool {
		all, tree = s.collector.Trace(trace)
		for _, span := range all {
			byName[span.Name] = span
		}
		for _, span := range all {
			if span.Kind == "server" {
				return true
			}
		}
		return false
	})
	return byName, tree
}

// The trees of requests, without the calls to Redis: a request that has waited for it long enough, on a slow machine, makes none.
const (
	treeOfSearch = `POST /api/v1/search
  admit
  cache search
  identify
  limit
  retrieve
    retrieve keyword
`
	treeOfAnswer = `
  admit
  cache llm
  cache search
  generate
    chat writer
  identify
  limit
  retrieve
    retrieve keyword
`
	treeOfHit = `POST /api/v1/ask
  admit
  cache llm
  cache search
  identify
  limit
`
)

// TestTracesReachACollector sends each kind of request, and looks at what a real OpenTelemetry Collector has written of it.
func TestTracesReachACollector(t *testing.T) {
	for _, protocol := range []string{"GRPC", "HTTP"} {
		t.Run(protocol, func(t *testing.T) {
			s := startTraced(t, protocol, 100, "Hash")
			defer s.end(t)
			s.model.Answer(func(openaitest.ChatRequest) string { return "Carrion of canaries [1]." })

			_, tree := s.spans(t, s.ask(t, "/api/v1/search", "kite canary", http.StatusOK))
			wantTree(t, tree, treeOfSearch)
			spans, tree := s.spans(t, s.ask(t, "/api/v1/ask", "kite canary one", http.StatusOK))
			wantTree(t, tree, "POST /api/v1/ask"+treeOfAnswer)
			wantAttributes(t, spans["POST /api/v1/ask"], "http.request.method", "POST", "http.route", "/api/v1/ask", "http.response.status_code", "200",
				"ragservice.cache.kind", "llm", "ragservice.cache.outcome", "MISS", "url.path", "/api/v1/ask", "url.scheme", "http")
			wantAttributes(t, spans["chat writer"], "gen_ai.operation.name", "chat", "gen_ai.request.model", "writer", "gen_ai.response.model", "writer",
				"gen_ai.response.finish_reasons", `{"values":[{"stringValue":"stop"}]}`, "gen_ai.provider.name", "openai")
			if spans["chat writer"].Attributes["gen_ai.usage.input_tokens"] == "" || spans["chat writer"].Kind != "client" {
				t.Errorf("%+v", spans["chat writer"])
			}
			wantAttributes(t, spans["limit"], "ragservice.ratelimit.endpoint", "ask", "ragservice.ratelimit.decision", "admitted")
			if got := spans["limit"].Service; got["service.name"] != "papers" || got["service.namespace"] != "default" || got["service.instance.id"] == "" {
				t.Errorf("the server is %v", got)
			}
			spans, tree = s.spans(t, s.ask(t, "/api/v1/ask", "kite canary one", http.StatusOK))
			wantTree(t, tree, treeOfHit)
			wantAttributes(t, spans["cache llm"], "ragservice.cache.layer", "local", "ragservice.cache.lookup", "hit")
			_, tree = s.spans(t, s.ask(t, "/api/v1/stream", "kite canary two", http.StatusOK))
			wantTree(t, tree, "POST /api/v1/stream"+treeOfAnswer)
			s.wantFailures(t)
			s.wantRedis(t)
			s.wantNoContent(t)
		})
	}
}

func wantTree(t *testing.T, got, want string) {
	t.Helper()
	var kept strings.Builder
	for line := range strings.Lines(got) {
		if !strings.HasPrefix(strings.TrimSpace(line), "redis ") {
			kept.WriteString(line)
		}
	}
	got = kept.String()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func wantAttributes(t *testing.T, span backends.CollectedSpan, pairs ...string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if got := span.Attributes[pairs[i]]; got != pairs[i+1] {
			t.Errorf("%s: %s = %q, want %q", span.Name, pairs[i], got, pairs[i+1])
		}
	}
}

// wantFailures: a request over its limit is no failure of the service, one whose model fails is.
func (s *tracedServer) wantFailures(t *testing.T) {
	t.Helper()
	trace, status := "", http.StatusOK
	for n := 0; status == http.StatusOK && n < 100; n++ { // a Redis that is too slow leaves the decision to the server, with a bucket of its own
		trace, status = s.try(t, "/api/v1/stream", "kite canary three")
	}
	if status != http.StatusTooManyRequests {
		t.Fatalf("%d, want 429", status)
	}
	spans, _ := s.spans(t, trace)
	wantAttributes(t, spans["POST /api/v1/stream"], "http.response.status_code", "429", "ragservice.error.code", "rate_limit_exceeded", "error.type", "")
	wantAttributes(t, spans["limit"], "ragservice.ratelimit.decision", "refused")
	if spans["POST /api/v1/stream"].Failed || spans["retrieve"].Name != "" {
		t.Errorf("a refused request: %v", spans)
	}
	s.model.Script(openaitest.Chat, openaitest.Behaviour{Status: http.StatusInternalServerError})
	spans, _ = s.spans(t, s.ask(t, "/api/v1/ask", "kite canary four", http.StatusServiceUnavailable))
	for _, name := range []string{"POST /api/v1/ask", "generate", "chat writer"} {
		if !spans[name].Failed || spans[name].Attributes["error.type"] != "llm_unavailable" {
			t.Errorf("%s: %+v, want a failure", name, spans[name])
		}
	}
	if spans["retrieve"].Failed {
		t.Error("the search failed with the model")
	}
}

// wantRedis: calls to Redis are client spans, of a look-up and of the limits.
func (s *tracedServer) wantRedis(t *testing.T) {
	t.Helper()
	within := map[string]string{}
	names := map[string]string{}
	for _, span := range s.collector.Spans() {
		names[span.SpanID] = span.Name
	}
	for _, span := range s.collector.Spans() {
		if strings.HasPrefix(span.Name, "redis ") && span.Kind == "client" && span.Attributes["db.system.name"] == "redis" {
			within[span.Name] = names[span.ParentID]
		}
	}
	if within["redis take"] != "limit" || !strings.HasPrefix(within["redis get"], "cache ") {
		t.Errorf("calls to Redis are in %v", within)
	}
}

// wantNoContent: nothing of what was asked or answered, and no key, is in a span; no key is in the log.
func (s *tracedServer) wantNoContent(t *testing.T) {
	t.Helper()
	for _, secret := range []string{"canary", "canaries", "arrion", s.key, "password-of-redis", "header-canary"} {
		if strings.Contains(s.collector.Text(), secret) {
			t.Errorf("%q is in a span", secret)
		}
	}
	if strings.Contains(s.output.String(), "header-canary") {
		t.Error("a header of spans is in the log")
	}
}

// TestQueriesAreInTracesWhenTheyAreInTheLog: logQueries Full puts them into the span of the request.
func TestQueriesAreInTracesWhenTheyAreInTheLog(t *testing.T) {
	s := startTraced(t, "HTTP", 100, "Full")
	defer s.end(t)
	spans, _ := s.spans(t, s.ask(t, "/api/v1/search", "kite canary", http.StatusOK))
	wantAttributes(t, spans["POST /api/v1/search"], "ragservice.query", "kite canary")
	if n := strings.Count(s.collector.Text(), "canary"); n != 1 {
		t.Errorf("the query is in %d places, want 1", n)
	}
}

// TestTraceContextGoesInAndOut: a caller's trace is continued, and its decision taken, whatever the percentage; the model's server gets it; a
// latency has its trace as exemplar.
func TestTraceContextGoesInAndOut(t *testing.T) {
	const sampled, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	s := startTraced(t, "GRPC", 0, "None")
	defer s.end(t)
	unsampled := s.ask(t, "/api/v1/ask", "kite one", http.StatusOK)
	refused := s.ask(t, "/api/v1/ask", "kite two", http.StatusOK, "Traceparent", "00-1bf92f3577b34da6a3ce929d0e0e4736-"+parent+"-00")
	if got := s.ask(t, "/api/v1/ask", "kite three", http.StatusOK, "Traceparent", "00-"+sampled+"-"+parent+"-01", "Tracestate", "v=1"); got != sampled {
		t.Fatalf("the trace is %s, want %s", got, sampled)
	}
	spans, _ := s.spans(t, sampled)
	if got := spans["POST /api/v1/ask"].ParentID; got != parent {
		t.Errorf("the parent is %q, want the caller's span", got)
	}
	asked := s.model.Requests(openaitest.Chat)
	last := asked[len(asked)-1].Header
	if got, want := last.Get("Traceparent"), "00-"+sampled+"-"+spans["chat writer"].SpanID+"-01"; got != want || last.Get("Tracestate") != "v=1" {
		t.Errorf("the model got traceparent %q and tracestate %q, want %q", got, last.Get("Tracestate"), want)
	}
	if got := asked[0].Header.Get("Traceparent"); !strings.HasPrefix(got, "00-"+unsampled) || !strings.HasSuffix(got, "-00") {
		t.Errorf("of a request that is not sampled the model got %q", got)
	}
	for _, trace := range []string{unsampled, refused} {
		if all, _ := s.collector.Trace(trace); len(all) > 0 {
			t.Errorf("trace %s was exported: %v", trace, all)
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.admin+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, histogram := range []string{"http_server_request_duration_seconds", "ragservice_retrieval_duration_seconds", "gen_ai_client_operation_duration_seconds"} {
		if !hasExemplar(string(page), histogram, sampled) {
			t.Errorf("no bucket of %s has an exemplar of %s", histogram, sampled)
		}
	}
	if strings.Contains(string(page), unsampled) || strings.Contains(string(page), refused) {
		t.Error("a trace that nobody has is an exemplar")
	}
}

func hasExemplar(page, histogram, trace string) bool {
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, histogram+"_bucket") && strings.Contains(line, `trace_id="`+trace+`"`) {
			return true
		}
	}
	return false
}

// TestSpansOfOpenSearch runs a server as in a pod, with its headers mounted, and drains it: what waits is sent.
func TestSpansOfOpenSearch(t *testing.T) {
	collector := backends.NewCollector(t)
	r, key := withTracing(t, "http://"+collector.GRPC)
	_, header, body := r.post(t, "/api/v1/search", key, `{"query":"kite"}`)
	r.end(t)
	trace := strings.Split(header.Get("Traceparent"), "-")[1]
	spans, tree := collector.Trace(trace)
	wantTree(t, tree, `POST /api/v1/search
  admit
  identify
  limit
  retrieve
    retrieve keyword
      opensearch search
`)
	if body["trace_id"] != trace {
		t.Errorf("%v", body)
	}
	for _, span := range spans {
		if span.Name == "opensearch search" {
			wantAttributes(t, span, "db.system.name", "opensearch", "db.operation.name", "search")
		}
	}
	var completed struct {
		TraceID string `json:"trace_id"`
	}
	for line := range strings.Lines(r.output.String()) {
		if strings.Contains(line, `"event":"search_completed"`) {
			if err := json.Unmarshal([]byte(line), &completed); err != nil {
				t.Fatal(err)
			}
		}
	}
	if completed.TraceID != trace {
		t.Errorf("the log says trace %q, the collector has %q", completed.TraceID, trace)
	}
}

// withTracing is a server that keeps a document in OpenSearch and sends all spans to the endpoint, and the key of its administrator.
func withTracing(t *testing.T, endpoint string) (r *running, key string) {
	t.Helper()
	keys := newKeysFolder(t)
	key = "key-of-the-administrator-0123456789"
	keys.set("root", `{"key":"`+key+`","role":"admin"}`)
	headers := filepath.Join(keys.secrets, config.TracingSecretDir)
	if err := os.Mkdir(headers, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(headers, config.TracingHeadersFile), []byte("x-key=canary\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	settings := strings.NewReplacer(
		"http://127.0.0.1:1", backends.OpenSearch(t), "index: papers", "index: traces-"+strings.ToLower(rand.Text()),
		"{defaultTier: free}", "{defaultTier: free, limits: [{endpoint: search, tier: free, requestsPerMinute: 1000, burst: 100, cost: 1}]}",
	).Replace(elsewhere) + "tracing: {endpoint: '" + endpoint + "', protocol: GRPC, samplingPercent: 100}\n"
	r = startWith(t, noEnvironment, "--config", write(t, "config.yaml", settings), "--secrets-dir", keys.secrets)
	upload(t, r, key)
	return r, key
}
