package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/test/backends"
	"github.com/ragservice/ragservice-operator/test/openaitest"
)

// reached collects the codes that a running server answered, and judges each error's body.
type reached struct {
	codes map[string]int
	// inside are words that no answer may hold.
	inside []string
}

func (c *reached) ask(t *testing.T, r *running, method, path, body string, headers ...string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var answer struct {
		Error struct {
			Code, Message string
			TraceID       string `json:"trace_id"`
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatalf("%s %s: %d: %v", method, path, response.StatusCode, err)
	}
	if response.StatusCode < http.StatusBadRequest {
		return
	}
	e := answer.Error
	if e.Code == "" || e.Message == "" || e.TraceID == "" {
		t.Errorf("%s %s: %d without code, message or trace: %+v", method, path, response.StatusCode, e)
	}
	for _, word := range c.inside {
		if strings.Contains(e.Message, word) {
			t.Errorf("%s %s: %q tells of the inside", method, path, e.Message)
		}
	}
	c.codes[e.Code] = response.StatusCode
}

// TestErrorCodesAreReached makes a running server answer every code of the table in docs/http-api.md by a fault of its own kind: of the
// request, of the model, or of the search engine. internal is left out: it is what a bug gives, and runtime/httpapi makes one.
func TestErrorCodesAreReached(t *testing.T) {
	seen := &reached{codes: map[string]int{}}
	seen.ofRequests(t)
	seen.ofModels(t)
	seen.ofBudgets(t)
	seen.ofSearches(t)
	page, err := os.ReadFile("../../docs/http-api.md")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	for _, row := range regexp.MustCompile("(?m)^\\| (\\d{3}) \\| `(\\w+)` \\| [^|]+ \\| [^|]+ \\|$").FindAllSubmatch(page, -1) {
		if code := string(row[2]); code != "internal" {
			want[code], _ = strconv.Atoi(string(row[1]))
		}
	}
	if diff := cmp.Diff(want, seen.codes); diff != "" || len(want) == 0 {
		t.Errorf("-documented +reached:\n%s", diff)
	}
	t.Log("reached:", slices.Sorted(maps.Keys(seen.codes)))
}

const ofCodes = `apiVersion: ragservice.dev/v1alpha1
kind: RAGService
metadata: {name: papers}
spec:
  models: {llm: {provider: OpenAI, model: m, baseURL: '%s', timeout: 1s}}
  cache: {enabled: false}
  rateLimits: {endpoints: [{name: ask, requestsPerMinute: 1000}, {name: stream, requestsPerMinute: 1, burst: 1}]}
  resilience: {retries: 0, maxInFlight: 1, queueTimeout: 0s}
`

// withModel is a server with a model, further fields of its spec, and a document to ask about.
func withModel(t *testing.T, model *openaitest.Server, spec ...string) (r *running, admin, client string) {
	t.Helper()
	dir := t.TempDir()
	r = startAlone(t, write(t, "ragservice.yaml", fmt.Sprintf(ofCodes, model.BaseURL())+strings.Join(spec, "")), dir)
	admin = generatedKey(t, dir, "admin")
	if status, _, body := r.post(t, "/api/v1/documents", admin, `{"id":"kites","text":"The red kite eats carrion."}`); status != http.StatusOK {
		t.Fatalf("%d %v", status, body)
	}
	return r, "X-API-Key: " + admin, "X-API-Key: " + generatedKey(t, dir, "client")
}

func (c *reached) ofRequests(t *testing.T) {
	r, admin, client := withModel(t, openaitest.New(t))
	defer r.end(t)
	const ask, documents = "/api/v1/ask", "/api/v1/documents"
	c.ask(t, r, http.MethodPost, ask, `{"query":" "}`, client)
	c.ask(t, r, http.MethodPost, ask, `{`, client)
	c.ask(t, r, http.MethodPost, ask, `{"query":"x"}`)
	c.ask(t, r, http.MethodPost, documents, `{"id":"a","text":"b"}`, client)
	c.ask(t, r, http.MethodGet, documents+"/none", "", admin)
	c.ask(t, r, http.MethodGet, "/none", "", client)
	c.ask(t, r, http.MethodGet, ask, "", client)
	c.ask(t, r, http.MethodPost, ask, `{"query":"`+strings.Repeat("x", 2<<20)+`"}`, client)
	c.ask(t, r, http.MethodPost, ask, "query=x", client, "Content-Type: application/x-www-form-urlencoded")
	c.ask(t, r, http.MethodPost, ask, `{"query":"x","tpo_k":3}`, client)
}

func (c *reached) ofModels(t *testing.T) {
	model := openaitest.New(t)
	r, _, client := withModel(t, model)
	defer r.end(t)
	c.inside = append(c.inside, strings.TrimSuffix(strings.TrimPrefix(model.BaseURL(), "http://"), "/v1"))
	const path, question = "/api/v1/ask", `{"query":"what does the red kite eat"}`
	for _, b := range []openaitest.Behaviour{
		{Status: http.StatusInternalServerError}, {Fault: openaitest.Malformed, AfterPieces: 1}, {Delay: openaitest.Forever},
	} {
		model.Always(openaitest.Chat, b)
		c.ask(t, r, http.MethodPost, path, question, client)
	}
	// The only turn is taken while the model does not answer.
	asked := model.Count(openaitest.Chat)
	ctx, leave := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	waiting.Go(func() {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+"/api/v1/stream", strings.NewReader(question))
		if err != nil {
			return
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("X-API-Key", strings.TrimPrefix(client, "X-API-Key: "))
		if response, err := http.DefaultClient.Do(request); err == nil {
			<-ctx.Done()
			_ = response.Body.Close()
		}
	})
	for deadline := time.Now().Add(20 * time.Second); model.Count(openaitest.Chat) == asked && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	c.ask(t, r, http.MethodPost, path, question, client)
	leave()
	waiting.Wait()
	for deadline := time.Now().Add(20 * time.Second); c.codes["rate_limit_exceeded"] == 0 && time.Now().Before(deadline); {
		c.ask(t, r, http.MethodPost, "/api/v1/stream", question, client) // that stream was all that a minute has
	}
}

func (c *reached) ofBudgets(t *testing.T) {
	r, _, client := withModel(t, openaitest.New(t), "  budgets: {dailyTokens: 1}\n")
	defer r.end(t)
	c.ask(t, r, http.MethodPost, "/api/v1/ask", `{"query":"what does the red kite eat"}`, client)
}

func (c *reached) ofSearches(t *testing.T) {
	way := newFront(t, backends.OpenSearch(t), "_search")
	r, key := withOpenSearch(t, way)
	defer r.end(t)
	c.inside = append(c.inside, way.address)
	for _, f := range []fault{blackHole, down} {
		way.set(f)
		c.ask(t, r, http.MethodPost, "/api/v1/search", `{"query":"what does the red kite eat"}`, "X-API-Key: "+key)
	}
}
