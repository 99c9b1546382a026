package main

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/ragservice/ragservice-operator/test/openaitest"
)

// TestFallbackAnswers: another model by the same name answers while the first is down, with its own key, and its answer is not kept;
// without either the answer is made of sentences.
func TestFallbackAnswers(t *testing.T) {
	first, spare := openaitest.New(t), openaitest.New(t)
	first.Always(openaitest.Chat, openaitest.Behaviour{Status: http.StatusInternalServerError})
	spare.RequireKey("sk-of-the-spare")
	spare.Answer(func(openaitest.ChatRequest) string { return "Carrion [1]." })
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
      onUnavailable: Extract
      pricing: {promptUSDPerMillion: '1', completionUSDPerMillion: '1'}
      fallbacks: [{model: m, baseURL: '%s', apiKeySecretRef: {name: spare, key: key}, pricing: {promptUSDPerMillion: '0', completionUSDPerMillion: '500'}}]
---
apiVersion: v1
kind: Secret
metadata: {name: spare}
stringData: {key: sk-of-the-spare}
`, first.BaseURL(), spare.BaseURL())), dir)
	admin := generatedKey(t, dir, "admin")
	if status, _, body := r.post(t, "/api/v1/documents", admin, `{"id":"kites","text":"The red kite eats carrion."}`); status != http.StatusOK {
		t.Fatalf("%d %v", status, body)
	}
	const question = `{"query":"what does the red kite eat"}`
	for n := 1; n <= 2; n++ {
		status, _, body := r.post(t, "/api/v1/ask", admin, question)
		if status != http.StatusOK || body["answer"] != "Carrion [1]." || body["cached"] != false || spare.Count(openaitest.Chat) != n {
			t.Errorf("%d: %d %v, the fallback was asked %d times", n, status, body, spare.Count(openaitest.Chat))
		}
		if usage, _ := body["usage"].(map[string]any); usage["cost_usd"] != 0.001 { // of "Carrion" and "[1]."
			t.Errorf("usage %v, want the price of the one that wrote", usage)
		}
	}
	spare.Always(openaitest.Chat, openaitest.Behaviour{Status: http.StatusInternalServerError})
	if status, _, body := r.post(t, "/api/v1/ask", admin, question); status != http.StatusOK || body["model"] != "extractive" || body["notice"] == nil {
		t.Errorf("without a model: %d %v", status, body)
	}
	first.Always(openaitest.Chat, openaitest.Behaviour{Status: http.StatusBadRequest, Error: openaitest.Error{Code: "content_filter"}})
	if status, _, body := r.post(t, "/api/v1/ask", admin, question); status != http.StatusBadGateway {
		t.Errorf("a question that the model's filter refuses: %d %v", status, body)
	}
	r.end(t)
}
