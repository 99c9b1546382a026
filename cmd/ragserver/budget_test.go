package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

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
