package models

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/test/openaitest"
)

// failuresToOpen are those of a configuration that names none.
const failuresToOpen = 5

// TestAModelThatIsDownIsNotAsked: after some failures in a row requests fail at once, until one that is let through succeeds.
func TestAModelThatIsDownIsNotAsked(t *testing.T) {
	server := openaitest.New(t)
	server.Always(openaitest.Chat, openaitest.Behaviour{Status: 500})
	model, told := newTestModel(server, 10*time.Second, 10*time.Second)
	const open = time.Second
	model.Resilience = func() config.Resilience {
		return config.Resilience{Failures: failuresToOpen, OpenFor: config.Duration(open), MaxInFlight: 1}
	}
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

// TestRetriesHaveABudget: many questions at once to a server that refuses all come to less than twice as many requests, although each
// may be tried three times more. The breaker stays closed here.
func TestRetriesHaveABudget(t *testing.T) {
	t.Parallel()
	server := openaitest.New(t)
	server.Always(openaitest.Chat, openaitest.Behaviour{Status: 503})
	model, _ := newTestModel(server, time.Minute, time.Minute)
	model.Resilience = func() config.Resilience {
		return config.Resilience{Retries: 3, InitialBackoff: config.Duration(time.Millisecond), Failures: 1000, OpenFor: 1, MaxInFlight: 1}
	}
	const questions = 40
	var wg sync.WaitGroup
	for range questions {
		wg.Go(func() { _, _ = model.Generate(t.Context(), testPrompt(), discard) })
	}
	wg.Wait()
	if n := server.Count(openaitest.Chat); n <= questions || n >= 2*questions {
		t.Errorf("%d questions made %d requests, want some more than questions and less than twice", questions, n)
	}
}
