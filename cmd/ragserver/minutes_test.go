package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/telemetry"
	"github.com/ragservice/ragservice-operator/test/openaitest"
)

// TestMinutesOfRealRequests: what the operator judges alerts by is what callers met. The time of a model is not the server's: here it
// takes two seconds.
func TestMinutesOfRealRequests(t *testing.T) {
	t.Parallel()
	const modelTakes = 2 * time.Second
	model := openaitest.New(t)
	model.Always(openaitest.Chat, openaitest.Behaviour{Delay: modelTakes})
	dir := t.TempDir()
	r := startAlone(t, write(t, "ragservice.yaml", fmt.Sprintf(`apiVersion: ragservice.dev/v1alpha1
kind: RAGService
metadata: {name: papers}
spec:
  resilience: {retries: 0}
  models: {llm: {provider: OpenAI, model: m, baseURL: '%s'}}
`, model.BaseURL())), dir)
	admin := generatedKey(t, dir, "admin")
	for _, c := range []struct {
		path, body string
		status     int
	}{
		{"/api/v1/documents", `{"id":"kites","text":"The red kite eats carrion."}`, http.StatusOK},
		{"/api/v1/search", `{"query":"kite"}`, http.StatusOK},
		{"/api/v1/search", `{"query":"kite"}`, http.StatusOK}, // from the cache
		{"/api/v1/search", `{"query":""}`, http.StatusBadRequest},
		{"/api/v1/ask", `{"query":"what does the red kite eat"}`, http.StatusOK},
	} {
		if status, _, body := r.post(t, c.path, admin, c.body); status != c.status {
			t.Fatalf("%s: %d %v", c.path, status, body)
		}
	}
	model.Always(openaitest.Chat, openaitest.Behaviour{Status: http.StatusInternalServerError})
	if status, _, body := r.post(t, "/api/v1/ask", admin, `{"query":"does the red kite eat at night"}`); status != http.StatusServiceUnavailable {
		t.Fatalf("without a model: %d %v", status, body)
	}
	if status, _, _ := r.post(t, "/api/v1/search", "no-key", `{"query":"kite"}`); status != http.StatusUnauthorized {
		t.Fatalf("without a key: %d", status)
	}

	status := r.statusz(t)
	if age := time.Now().Unix() - status.Started; age < 0 || age > 600 {
		t.Errorf("started %d s ago", age)
	}
	sum, slow := telemetry.Minute{}, int64(0)
	for _, m := range status.Minutes {
		sum.Requests += m.Requests
		sum.Errors += m.Errors
		sum.Hits += m.Hits
		sum.Misses += m.Misses
		sum.ModelCalls += m.ModelCalls
		sum.ModelFailures += m.ModelFailures
		for bucket, n := range m.Latency {
			if bucket > 0 && telemetry.LatencyBounds[bucket-1] >= modelTakes.Seconds() {
				slow += n
			}
		}
	}
	want := telemetry.Minute{Requests: 6, Errors: 1, Hits: 1, Misses: 2, ModelCalls: 2, ModelFailures: 1}
	if diff := cmp.Diff(want, sum); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if slow != 0 {
		t.Errorf("%d answers count as slow, the model's time included", slow)
	}
	r.end(t)
}

// statusz is what the operator reads.
func (r *running) statusz(t *testing.T) (status telemetry.Statusz) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.admin+"/statusz", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if err := json.NewDecoder(response.Body).Decode(&status); err != nil {
		t.Fatal(err)
	}
	return status
}
