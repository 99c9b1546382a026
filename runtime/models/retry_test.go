package models

import (
	"errors"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/test/openaitest"
)

func TestRetriesAreAFifthOfTheRequests(t *testing.T) {
	var b retryBudget
	retries := 0
	for range 1000 {
		b.earn()
		for range 3 {
			if b.take() {
				retries++
			}
		}
	}
	if retries < 200 || retries > 200+retryBurst {
		t.Errorf("%d retries for 1000 requests, want about a fifth", retries)
	}
	for range 1000 {
		b.earn() // saves no more than a burst
	}
	for retries = 0; b.take(); retries++ {
	}
	if retries != retryBurst {
		t.Errorf("%d retries at once, want %d", retries, retryBurst)
	}
}

// TestARetryTakesFromTheBudget has a budget that is spent: the request fails by its first error.
func TestARetryTakesFromTheBudget(t *testing.T) {
	server := openaitest.New(t)
	server.Always(openaitest.Chat, openaitest.Behaviour{Status: 503})
	model, _ := newTestModel(server, 10*time.Second, 10*time.Second)
	model.retries.spent = retryBurst
	if _, err := model.Generate(t.Context(), testPrompt(), discard); !errors.Is(err, rag.ErrLLMUnavailable) {
		t.Fatalf("got %v", err)
	}
	if n := server.Count(openaitest.Chat); n != 1 {
		t.Errorf("made %d requests, want 1", n)
	}
}
