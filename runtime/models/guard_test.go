package models

import (
	"errors"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/test/openaitest"
)

// TestAModelThatIsDownIsNotAsked: after some failures in a row requests fail at once, until one that is let through succeeds.
func TestAModelThatIsDownIsNotAsked(t *testing.T) {
	server := openaitest.New(t)
	server.Always(openaitest.Chat, openaitest.Behaviour{Status: 500})
	model, told := newTestModel(server, 10*time.Second, 10*time.Second)
	const open = time.Second
	model.guard = newGuard(open)
	var known *rag.Error
	for range failuresToOpen + 3 {
		_, err := model.Generate(t.Context(), testPrompt(), discard)
		if !errors.As(err, &known) || known.Kind != rag.ErrLLMUnavailable || known.RetryAfter == 0 {
			t.Fatalf("got %v, want llm_unavailable with advice", err)
		}
	}
	if n := server.Count(openaitest.Chat); n != failuresToOpen {
		t.Errorf("made %d requests, want %d", n, failuresToOpen)
	}
	if len(told.all) != failuresToOpen+3 {
		t.Errorf("%d outcomes were told: %v", len(told.all), told.all)
	}
	server.Always(openaitest.Chat, openaitest.Behaviour{})
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if _, err := model.Generate(t.Context(), testPrompt(), discard); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("the model is not asked again: %v", err)
		}
	}
}

// TestRefusalsDoNotCloseTheModel: a question that the model does not take says nothing of the next one.
func TestRefusalsDoNotCloseTheModel(t *testing.T) {
	server := openaitest.New(t)
	server.Always(openaitest.Chat, openaitest.Behaviour{Status: 400})
	model, _ := newTestModel(server, 10*time.Second, 10*time.Second)
	for range failuresToOpen + 1 {
		if _, err := model.Generate(t.Context(), testPrompt(), discard); !errors.Is(err, rag.ErrLLMBadAnswer) {
			t.Fatalf("got %v", err)
		}
	}
	if n := server.Count(openaitest.Chat); n != failuresToOpen+1 {
		t.Errorf("made %d requests, want %d", n, failuresToOpen+1)
	}
}
