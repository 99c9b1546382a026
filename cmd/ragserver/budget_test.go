package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ragservice/ragservice-operator/test/backends"
	"github.com/ragservice/ragservice-operator/test/openaitest"
)

// TestBudgetIsRefusedFromTheManifest has a budget that one answer spends: further questions are refused by ask and stream, those that the cache
// has are answered, and stats tells.
func TestBudgetIsRefusedFromTheManifest(t *testing.T) {
	model := openaitest.New(t)
	model.Answer(func(openaitest.ChatRequest) string { return "Carrion [1]." })
	dir := t.TempDir()
	r := startAlone(t, write(t, "ragservice.yaml", fmt.Sprintf(`apiVersion: ragservice.dev/v1alpha1
kind: RAGService
metadata: {name: papers}
spec:
  models:
    llm:
      provider: OpenAI
      model: m
      baseURL: '%s'
      maxTokens: 10
      pricing: {promptUSDPerMillion: '0', completionUSDPerMillion: '999'}
  budgets: {dailyUSD: '0.01', perTenant: {dailyTokens: 1000000}}
`, model.BaseURL())), dir)
	admin := generatedKey(t, dir, "admin")
	counters := r.metrics(t)
	for _, series := range []string{
		`ragservice_llm_cost_usd_total{gen_ai_request_model="m"} 0`, `ragservice_cache_saved_usd_total{`, `ragservice_cache_saved_tokens_total{`,
		`ragservice_budget_exceeded_total{action="Deny",budget="usd",scope="service",window="day"} 0`,
		`ragservice_budget_exceeded_total{action="Deny",budget="tokens",scope="tenant",window="day"} 0`,
	} {
		if !strings.Contains(counters, "\n"+series) {
			t.Errorf("from the start there is no %s", series)
		}
	}
	if status, _, body := r.post(t, "/api/v1/documents", admin, `{"id":"kites","text":"The red kite eats carrion."}`); status != http.StatusOK {
		t.Fatalf("%d %v", status, body)
	}
	const question = `{"query":"what does the red kite eat"}`
	if status, _, body := r.post(t, "/api/v1/ask", admin, question); status != http.StatusOK || body["cached"] != false {
		t.Fatalf("%d %v", status, body)
	}
	for _, path := range []string{"ask", "stream"} {
		status, header, body := r.post(t, "/api/v1/"+path, admin, `{"query":"where does the red kite eat carrion"}`)
		wrong, _ := body["error"].(map[string]any)
		details, _ := wrong["details"].(map[string]any)
		if status != http.StatusTooManyRequests || wrong["code"] != "budget_exceeded" || header.Get("Retry-After") == "" ||
			details["budget"] != "dailyUSD" || details["scope"] != "service" || details["limit"] != nil || details["resets_at"] == nil {
			t.Errorf("%s: %d %v, Retry-After %q", path, status, body, header.Get("Retry-After"))
		}
	}
	if status, _, body := r.post(t, "/api/v1/ask", admin, question); status != http.StatusOK || body["cached"] != true {
		t.Errorf("from the cache: %d %v", status, body)
	}
	if n := model.Count(openaitest.Chat); n != 1 {
		t.Errorf("the model was asked %d times", n)
	}
	r.end(t)
	if !strings.Contains(r.output.String(), `"event":"budget_exceeded"`) {
		t.Errorf("the log does not tell: %s", r.output.String())
	}
}

// TestBudgetsChangeInARunningServer sets, loosens, raises and removes a budget: each is taken up, and what was spent under one counts in the next.
func TestBudgetsChangeInARunningServer(t *testing.T) {
	t.Parallel()
	model := openaitest.New(t)
	model.Answer(func(openaitest.ChatRequest) string { return "Carrion [1]." })
	folder := newKeysFolder(t)
	const admin = "key-of-the-administrator-0123456789"
	folder.set("root", `{"key":"`+admin+`","role":"admin"}`)
	file, index := filepath.Join(t.TempDir(), "config.yaml"), rand.Text()
	set := func(budgets string) {
		t.Helper()
		text := strings.NewReplacer(
			"http://127.0.0.1:1", backends.OpenSearch(t), "index: papers", "index: budgets-"+strings.ToLower(index),
			"llm: {provider: Extractive}", fmt.Sprintf(
				"llm: {provider: OpenAI, model: m, baseURL: '%s', maxTokens: 10, contextTokens: 8192, timeout: 30s, idleTimeout: 30s}", model.BaseURL()),
		).Replace(elsewhere) + budgets
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	set("")
	r := keyed{startWith(t, noEnvironment, "--config", file, "--secrets-dir", folder.secrets), t}
	upload(t, r.running, admin)
	spent := 0.0
	for i, step := range []struct {
		budgets string
		want    int
		counts  bool
	}{
		{"budgets: {service: {dailyTokens: 100000}}\n", http.StatusOK, true},
		{"budgets: {service: {dailyTokens: 2}}\n", http.StatusTooManyRequests, false},
		{"budgets: {service: {dailyTokens: 2}, onExceeded: Alert}\n", http.StatusOK, true},
		{"budgets: {tenant: {dailyTokens: 3}}\n", http.StatusTooManyRequests, false},
		{"", http.StatusOK, false},
		{"budgets: {service: {dailyTokens: 100001}}\n", http.StatusOK, true},
	} {
		before := len(r.events("config_reloaded"))
		set(step.budgets)
		r.eventually("it is not taken up", func() bool { return len(r.events("config_reloaded")) > before })
		got, _, answer := r.post(t, "/api/v1/ask", admin, fmt.Sprintf(`{"query":"what does the red kite eat, part %d"}`, i))
		if got != step.want {
			t.Errorf("%q: %d %v, want %d", step.budgets, got, answer, step.want)
		}
		if usage, _ := answer["usage"].(map[string]any); step.counts && usage != nil {
			spent += usage["prompt_tokens"].(float64) + usage["completion_tokens"].(float64)
		}
	}
	if series := `ragservice_budget_exceeded_total{action="Alert",budget="tokens",scope="service",window="day"}`; !strings.Contains(r.metrics(t), series) {
		t.Errorf("a budget that was taken up has no %s", series)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/api/v1/stats", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-API-Key", admin)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	type budgetSaid struct {
		Scope string
		Used  float64
	}
	var stats struct{ Budgets []budgetSaid }
	if err := json.NewDecoder(response.Body).Decode(&stats); err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(stats.Budgets, func(b budgetSaid) bool { return b.Scope == "service" && b.Used == spent }) || spent == 0 {
		t.Errorf("answers took %g, and the budgets say %v", spent, stats.Budgets)
	}
}
