package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/test/backends"
	"github.com/ragservice/ragservice-operator/test/openaitest"
)

// canaryKeys are API keys that are told apart, for the servers of these tests.
const (
	canaryAdmin = "canary-key-of-an-administrator"
	canaryAnn   = "canary-key-of-ann-in-tenant-a"
	canaryBen   = "canary-key-of-ben-in-tenant-b"
)

const canaryManifest = `
apiVersion: ragservice.dev/v1alpha1
kind: RAGService
metadata: {name: papers}
spec:
  models: {llm: {provider: OpenAI, baseURL: '%s', model: m, apiKeySecretRef: {name: llm, key: k}}}
  auth: {apiKeysSecretRef: {name: callers}}
  logging: {level: DEBUG}
---
{apiVersion: v1, kind: Secret, metadata: {name: llm}, stringData: {k: canary-key-of-the-model}}
---
apiVersion: v1
kind: Secret
metadata: {name: callers}
stringData:
  admin: '{"key": "` + canaryAdmin + `", "role": "admin", "tenant": "a"}'
  ann: '{"key": "` + canaryAnn + `", "tenant": "a"}'
  ben: '{"key": "` + canaryBen + `", "tenant": "b"}'
  broken: 'canary of an entry'
`

// send is a request with headers given as "Name: value", and the whole answer, headers too.
func (k keyed) send(method, path, key, body string, headers ...string) (int, string) {
	k.t.Helper()
	request, err := http.NewRequestWithContext(k.t.Context(), method, k.url+path, strings.NewReader(body))
	if err != nil {
		k.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Api-Key", key)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		k.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		k.t.Fatal(err)
	}
	return response.StatusCode, fmt.Sprint(response.Header, string(text))
}

// silent wants no canary in a text.
func silent(t *testing.T, where, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if i := strings.Index(strings.ToLower(line), "canary"); i >= 0 {
			t.Errorf("%s has %q in %s", where, line[i:min(len(line), i+30)], line)
		}
	}
}

// wantEvents wants each event in the log: what was planted was at work.
func (k keyed) wantEvents(events ...string) {
	k.t.Helper()
	for _, event := range events {
		if len(k.events(event)) == 0 {
			k.t.Errorf("no %s is in the log", event)
		}
	}
}

// TestNothingPlantedIsTold: keys, questions, documents, answers and what a model says are in no line of the log, no metric, no status,
// no header of a trace, and no answer to another tenant. DEBUG writes every event.
func TestNothingPlantedIsTold(t *testing.T) { //nolint:tparallel // what is planted comes in an order
	t.Parallel()
	model := openaitest.New(t)
	model.RequireKey("canary-key-of-the-model")
	model.Answer(func(r openaitest.ChatRequest) string {
		if all := fmt.Sprint(r.Messages); strings.Contains(all, "canary") {
			return "canary of an answer about ann@canary.example [1]."
		}
		return "Nothing is known."
	})
	dir := t.TempDir()
	r := keyed{startAlone(t, write(t, "m.yaml", fmt.Sprintf(canaryManifest, model.BaseURL())), dir), t}

	document := `{"id":"kites","title":"canary of a title","url":"https://canary.example/kite","metadata":{"topic":"canary of metadata"},` +
		`"text":"canary of a document: Ann Canary, ann@canary.example, nests in tall trees with kites."}`
	if status, answer := r.send("POST", "/api/v1/documents", canaryAdmin, document); status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	for _, body := range []string{`{"id":"canary`, `{"id":"x","text":"canary","canary":1}`, `{"id":"y","text":7,"title":"canary"}`} {
		r.send("POST", "/api/v1/documents", canaryAdmin, body)
	}
	const question = `{"query":"Where does the canary of a question with kites nest?"}`
	for _, path := range []string{"/api/v1/search", "/api/v1/ask", "/api/v1/ask", "/api/v1/stream"} { // twice: the cache answers as well
		if status, answer := r.send("POST", path, canaryAnn, question); status != http.StatusOK || !strings.Contains(answer, "canary") {
			t.Fatalf("%s: %d %s", path, status, answer) // what is hers she sees
		}
	}

	t.Run("another tenant", func(t *testing.T) {
		for _, path := range []string{"/api/v1/search", "/api/v1/ask", "/api/v1/stream"} {
			status, answer := r.send("POST", path, canaryBen, `{"query":"Where do kites with tall trees nest?"}`)
			if status != http.StatusOK {
				t.Errorf("%s: %d", path, status)
			}
			silent(t, path, answer)
		}
		_, answer := r.send("GET", "/api/v1/stats", canaryBen, "")
		silent(t, "stats", answer)
	})

	t.Run("a model that fails", func(t *testing.T) { failingModels(t, r, model) })

	t.Run("refusals", func(t *testing.T) { refusedRequests(t, r, question) })

	for _, request := range model.Requests(openaitest.Chat) {
		header := request.Header.Clone()
		header.Del("Authorization")
		silent(t, "the headers to the model", fmt.Sprint(header))
		if header.Get("Traceparent") == "" {
			t.Error("the model's server is not told of the trace")
		}
	}
	silent(t, "/metrics", r.admin("/metrics"))
	silent(t, "/statusz", r.admin("/statusz"))
	r.end(t)
	r.wantEvents("search_query", "search_completed", "cache_hit", "cache_miss", "llm_response", "llm_generation_failed", "documents_written",
		"request_completed", "key_refused", "server_stopped")
	text := strings.ReplaceAll(r.output.String(), `"method":"CANARY"`, "") // a method is told
	silent(t, "the log", text)
	if len(r.events("request_completed")) < 25 {
		t.Errorf("only %d requests are in the log", len(r.events("request_completed")))
	}
}

// failingModels makes the model fail in each way, with words of its own that nobody may be told.
func failingModels(t *testing.T, r keyed, model *openaitest.Server) {
	t.Helper()
	says := openaitest.Error{Message: "canary of an error: Ann Canary", Type: "canary of a type", Code: "canary of a code", Param: "canary of a param"}
	for i, b := range []openaitest.Behaviour{
		{Status: 400, Error: says}, {Status: 401, Error: says}, {Status: 500, Error: says}, {Fault: openaitest.Malformed, AfterPieces: 1},
		{Fault: openaitest.ErrorEvent, AfterPieces: 1, Error: says},
	} {
		for _, path := range []string{"/api/v1/ask", "/api/v1/stream"} {
			if path == "/api/v1/stream" && i < 3 {
				continue // as for ask; a stream has a limit of its own
			}
			model.Script(openaitest.Chat, b)
			status, answer := r.send("POST", path, canaryAnn, fmt.Sprintf(`{"query":"Who nests in trees %d?"}`, i))
			if status < 500 && !strings.Contains(answer, "event: error") {
				t.Errorf("%s did not fail: %d %s", path, status, answer)
			}
			silent(t, path, answer)
		}
	}
}

// refusedRequests sends what is refused, with words that nobody may be told in each part of a request.
func refusedRequests(t *testing.T, r keyed, question string) {
	t.Helper()
	for _, refused := range []struct {
		method, path, key, body string
		headers                 []string
	}{
		{"POST", "/api/v1/search", "canary-key-that-nobody-has", question, nil},
		{"POST", "/api/v1/search", "", question, []string{"Authorization: Basic Y2FuYXJ5OmNhbmFyeQ==", "X-Forwarded-For: canary", "User-Agent: canary"}},
		{"POST", "/api/v1/search?canary=canary", canaryBen, `{"query":"x"}`, nil},
		{"POST", "/api/v1/search", canaryBen, `{"query":7,"filter":"canary"}`, []string{"Traceparent: canary", "Cookie: canary=canary"}},
		{"GET", "/api/v1/documents/canary", canaryBen, "", nil},
		{"DELETE", "/canary/canary", canaryBen, "", nil},
		{"CANARY", "/api/v1/search", canaryBen, "", nil},
	} {
		status, _ := r.send(refused.method, refused.path, refused.key, refused.body, refused.headers...)
		if status < 400 || status > 499 {
			t.Errorf("%s %s: %d", refused.method, refused.path, status)
		}
	}
}

// TestNothingOfTheStoresIsTold: an OpenSearch that answers with what was asked or stored (no real one would on command), a real Redis
// that has another password, and addresses and settings that hold something secret.
func TestNothingOfTheStoresIsTold(t *testing.T) {
	t.Parallel()
	var answers atomic.Int64
	search := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		status := []int{400, 404, 409, 429, 500, 503, 200}[answers.Add(1)%7]
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Canary", "canary")
		w.WriteHeader(status)
		reason := map[string]any{"type": "mapper_parsing_exception", "reason": "failed to parse [canary of a document]"}
		_ = json.NewEncoder(w).Encode(map[string]any{"status": status, "error": map[string]any{
			"type": "search_phase_execution_exception", "reason": "canary of a query", "root_cause": []any{reason}, "caused_by": reason,
		}})
	}))
	t.Cleanup(search.Close)
	redis := backends.Redis(t, "--requirepass", "another").Addr()
	folder := newKeysFolder(t)
	folder.set("ann", `{"key":"`+canaryAdmin+`","role":"admin"}`)
	for name, value := range map[string]string{
		filepath.Join(config.RedisSecretDir, config.RedisPasswordFile): "canary-password-of-redis",
		filepath.Join(config.LLMSecretDir, config.LLMAPIKeyFile):       "canary-key-of-the-model",
	} {
		file := filepath.Join(folder.secrets, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stores := fmt.Sprintf(`stores: {openSearch: {urls: [%q], index: papers}, redis: {cache: {address: %q}, state: {address: %q}}}`,
		strings.Replace(search.URL, "://", "://user:canary-password@", 1), redis, redis)
	settings := strings.NewReplacer(
		`stores: {openSearch: {urls: ["http://127.0.0.1:1"], index: papers}}`, stores,
		`{provider: Extractive}`, `{provider: OpenAI, baseURL: "http://user:canary-password@127.0.0.1:1/v1", model: m, `+
			`maxTokens: 5, contextTokens: 4000, timeout: 1s, idleTimeout: 1s}`,
		`{level: INFO}`, `{level: DEBUG, slowQueryThreshold: 1ns}`,
		`cache: {enabled: false`, `cache: {enabled: true`,
	).Replace(elsewhere)
	file := write(t, "config.yaml", settings)
	r := keyed{startWith(t, noEnvironment, "--config", file, "--secrets-dir", folder.secrets), t}
	for i := range 8 { // more than OpenSearch has answers
		for _, path := range []string{"/api/v1/search", "/api/v1/ask"} {
			_, answer := r.send("POST", path, canaryAdmin, fmt.Sprintf(`{"query":"Where %d?"}`, i))
			silent(t, path, answer)
		}
		_, answer := r.send("POST", "/api/v1/documents", canaryAdmin, `{"id":"x","text":"canary of a document"}`)
		silent(t, "an upload", answer)
	}
	for i, bad := range []string{"auth: {mode: canary}\n", "llm: {timeout: canary}\n", "retrieval: canary\n", "canary"} {
		if err := os.WriteFile(file, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		r.eventually("a bad configuration is not told", func() bool { return len(r.events("config_rejected")) == i+1 })
	}
	folder.set("ann", "canary-of-another-kind")
	r.eventually("a bad key is not told", func() bool { return len(r.events("keys_rejected")) == 1 })
	silent(t, "/metrics", r.admin("/metrics"))
	silent(t, "/statusz", r.admin("/statusz"))
	r.end(t)
	r.wantEvents("database_connection_lost", "slow_query", "error_occurred", "key_refused")
	silent(t, "the log", r.output.String())
	var codes []string
	for _, e := range r.events("database_connection_lost") {
		codes = append(codes, fmt.Sprint(e["dependency"], " ", e["code"]))
	}
	if !slices.Contains(codes, "redis-state auth") {
		t.Errorf("the password was not refused: %v", codes)
	}
}
