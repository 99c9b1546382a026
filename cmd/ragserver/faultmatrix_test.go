package main

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/test/backends"
	"github.com/ragservice/ragservice-operator/test/openaitest"
)

// cell is a fault of a dependency and what callers get while it lasts.
type cell struct {
	fault  fault
	status int
	code   string // empty for an answer
	opens  bool   // the breaker
	// later is the code of what comes after the first request, where that differs: what finds no connection that is known to lead to
	// the service's own OpenSearch makes one, and does not wait as long for the proof.
	later string
}

var modelCells = []cell{
	{down, http.StatusServiceUnavailable, "llm_unavailable", true, ""},
	{latency, http.StatusOK, "", false, ""},
	{blackHole, http.StatusGatewayTimeout, "llm_timeout", true, ""},
	{resets, http.StatusServiceUnavailable, "llm_unavailable", true, ""},
	{slowClose, http.StatusOK, "", false, ""},
	{truncated, http.StatusServiceUnavailable, "llm_unavailable", true, ""},
	{ended, http.StatusBadGateway, "bad_upstream_answer", false, ""},
	{tooMany, http.StatusServiceUnavailable, "llm_unavailable", true, ""},
	{broken, http.StatusServiceUnavailable, "llm_unavailable", true, ""},
	{hangsInBody, http.StatusGatewayTimeout, "llm_timeout", true, ""},
}

// failuresInMatrix open a breaker, for openInMatrix.
const (
	failuresInMatrix = 3
	openInMatrix     = time.Second
)

const ofMatrix = `apiVersion: ragservice.dev/v1alpha1
kind: RAGService
metadata: {name: papers}
spec:
  models: {llm: {provider: OpenAI, model: m, baseURL: '%s/v1', timeout: 3s, idleTimeout: 1s}}
  cache: {enabled: false}
  rateLimits: {endpoints: [{name: ask, requestsPerMinute: 1000}]}
  resilience: {retries: 1, initialBackoff: 100ms, circuitBreaker: {failures: 3, openFor: 1s}}
`

// TestFaultsOfTheModel breaks the way to a model in every way and looks at each what a caller gets, whether the breaker opens and closes
// again, what the metrics count, and that goroutines and connections are as many as before. What follows the breaker's opening is not
// asked of the model. Times are told, not judged.
func TestFaultsOfTheModel(t *testing.T) {
	model := openaitest.New(t)
	model.Answer(func(openaitest.ChatRequest) string { return "It eats carrion [1]." })
	way := newFront(t, "http://"+regexp.MustCompile(`[0-9.]+:[0-9]+`).FindString(model.BaseURL()), "/chat/completions")
	dir := t.TempDir()
	r := startAlone(t, write(t, "ragservice.yaml", fmt.Sprintf(ofMatrix, way.url())), dir)
	defer r.end(t)
	key := generatedKey(t, dir, "admin")
	if status, _, body := r.post(t, "/api/v1/documents", key, `{"id":"kites","text":"The red kite eats carrion."}`); status != http.StatusOK {
		t.Fatalf("%d %v", status, body)
	}
	m := matrix{running: r, front: way, path: "/api/v1/ask", key: key, dependency: "LLM", refused: "llm_unavailable", kept: 1}
	m.try(t, modelCells)
}

var searchCells = []cell{
	{down, http.StatusServiceUnavailable, "search_unavailable", true, ""},
	{latency, http.StatusOK, "", false, ""},
	{blackHole, http.StatusGatewayTimeout, "search_timeout", true, "search_unavailable"},
	{resets, http.StatusServiceUnavailable, "search_unavailable", true, ""},
	{slowClose, http.StatusOK, "", false, ""},
	{truncated, http.StatusServiceUnavailable, "search_unavailable", true, ""},
	{ended, http.StatusServiceUnavailable, "search_unavailable", false, ""},
	{tooMany, http.StatusServiceUnavailable, "search_unavailable", false, ""},
	{broken, http.StatusServiceUnavailable, "search_unavailable", true, ""},
	{hangsInBody, http.StatusGatewayTimeout, "search_timeout", true, "search_unavailable"},
}

// TestFaultsOfOpenSearch does as much to the way to a real OpenSearch, that of the polls included, which close the breaker when it is back.
func TestFaultsOfOpenSearch(t *testing.T) {
	way := newFront(t, backends.OpenSearch(t), "_search")
	r, key := withOpenSearch(t, way)
	defer r.end(t)
	m := matrix{running: r, front: way, path: "/api/v1/search", key: key, dependency: "OpenSearch", refused: "search_unavailable", kept: 4}
	m.try(t, searchCells)
}

// withOpenSearch is a server that keeps a document in the OpenSearch behind a front, and the key of its administrator.
func withOpenSearch(t *testing.T, way *front) (r *running, key string) {
	t.Helper()
	keys := newKeysFolder(t)
	key = "key-of-the-administrator-0123456789"
	keys.set("root", `{"key":"`+key+`","role":"admin"}`)
	settings := strings.NewReplacer("http://127.0.0.1:1", way.url(), "index: papers", "index: faults-"+strings.ToLower(rand.Text())).Replace(elsewhere) +
		"resilience: {retries: 0, initialBackoff: 1s, failures: 3, openFor: 1s, maxInFlight: 100, queueTimeout: 1s}\n"
	r = startWith(t, noEnvironment, "--config", write(t, "config.yaml", settings), "--secrets-dir", keys.secrets)
	upload(t, r, key)
	return r, key
}

// upload adds the document that is asked about, once the index is made.
func upload(t *testing.T, r *running, key string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		status, _, body := r.post(t, "/api/v1/documents", key, `{"id":"kites","text":"The red kite eats carrion."}`)
		if status == http.StatusOK && body["created"] == 1.0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d %v", status, body)
		}
	}
}

// matrix tries faults of one dependency.
type matrix struct {
	*running
	front *front
	// path is asked with the key.
	path, key  string
	dependency string
	// refused is the code of what an open breaker refuses.
	refused string
	// kept is how many connections are, at most, while nothing is asked.
	kept int
}

func (m matrix) try(t *testing.T, cells []cell) {
	m.recover(t)
	for _, c := range cells {
		t.Run(m.dependency+" "+string(c.fault), func(t *testing.T) { m.cell(t, c) })
	}
}

func (m matrix) cell(t *testing.T, c cell) {
	goroutines, connections, counted := m.mostAtRest(), m.front.connections(), m.errors(t)
	m.front.set(c.fault)
	told := map[string]int{}
	var took []time.Duration
	ask := func() (int, string) {
		began := time.Now()
		status, header, body := m.post(t, m.path, m.key, `{"query":"what does the red kite eat"}`)
		took = append(took, time.Since(began))
		code := codeOf(body)
		if code != "" {
			told[code]++
		}
		if status == http.StatusServiceUnavailable && header.Get("Retry-After") == "" {
			t.Error("503 without Retry-After")
		}
		return status, code
	}
	for n := range failuresInMatrix {
		status, code := ask()
		// Polls open the breaker too, and then a request may be the one that looks whether it is back.
		if (status != c.status || code != c.code) && (n == 0 || c.later == "" || code != c.later) {
			t.Errorf("%d: %d %s, want %d %s, then that or %s", n, status, code, c.status, c.code, c.later)
		}
	}
	before, opened := m.front.asked.Load(), time.Now()
	status, code := ask()
	passed := m.front.asked.Load() - before
	switch {
	case !c.opens && (passed == 0 || status != c.status):
		t.Errorf("the breaker opened: %d %s after %d calls", status, code, passed)
	case c.opens && time.Since(opened) < openInMatrix && (passed != 0 || code != m.refused): // later it may look whether it is back
		t.Errorf("the breaker did not open: %d %s after %d calls", status, code, passed)
	}
	m.front.set(healthy)
	for code, n := range m.recover(t) {
		told[code] += n
	}
	for code, n := range m.errors(t) {
		if n -= counted[code]; n != told[code] {
			t.Errorf("metrics count %d of %s, callers saw %d", n, code, told[code])
		}
	}
	slices.Sort(took)
	t.Logf("| %s | %s | %d %s | p50 %s, max %s | opens: %t | calls when open: %d |", m.dependency, c.fault, c.status, c.code,
		took[len(took)/2].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond), c.opens, passed)
	m.await(t, "goroutines", goroutines, m.atRest)
	// On a busy machine polls and requests overlap, and the pool keeps what they used at once. A leak would be one for each request.
	const overlapping = 3
	m.await(t, "connections", max(connections, m.kept)+overlapping, m.front.connections)
}

// codeOf is the code of an error; empty for an answer.
func codeOf(body map[string]any) string {
	failed, _ := body["error"].(map[string]any)
	code, _ := failed["code"].(string)
	return code
}

// recover asks until there is an answer, and counts the errors before it.
func (m matrix) recover(t *testing.T) map[string]int {
	t.Helper()
	told := map[string]int{}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		status, _, body := m.post(t, m.path, m.key, `{"query":"what does the red kite eat"}`)
		if status == http.StatusOK {
			return told
		}
		told[codeOf(body)]++
		if time.Now().After(deadline) {
			t.Fatalf("it does not recover: %d %v", status, body)
		}
	}
}

// await waits until there are no more than want.
func (m matrix) await(t *testing.T, what string, want int, count func() int) {
	t.Helper()
	n := count()
	for deadline := time.Now().Add(20 * time.Second); n > want && time.Now().Before(deadline); n = count() {
		time.Sleep(20 * time.Millisecond)
	}
	if n > want {
		var which strings.Builder
		_ = pprof.Lookup("goroutine").WriteTo(&which, 1)
		t.Errorf("%d %s are left, there were %d\n%s", n, what, want, &which)
	}
}

// atRest counts goroutines without those of connections: the test's own, which it closes, and those to the front, which may or may not be
// kept after an answer and have three each: the client's reader and writer, and the front's.
func (m matrix) atRest() int {
	http.DefaultClient.CloseIdleConnections()
	return runtime.NumGoroutine() - 3*m.front.connections()
}

// mostAtRest is atRest but for connections that are being made or closed: those have fewer goroutines than are taken off for them.
func (m matrix) mostAtRest() (most int) {
	for range 10 {
		most = max(most, m.atRest())
		time.Sleep(50 * time.Millisecond)
	}
	return most
}

var errorCount = regexp.MustCompile(`(?m)^ragservice_errors_total\{code="(\w+)"\} (\d+)$`)

// errors are those that the server counts, by code.
func (m matrix) errors(t *testing.T) map[string]int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, m.admin+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
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
	counts := map[string]int{}
	for _, line := range errorCount.FindAllSubmatch(text, -1) {
		counts[string(line[1])], _ = strconv.Atoi(string(line[2]))
	}
	return counts
}
