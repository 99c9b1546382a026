package models

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/test/openaitest"
)

// modelAt is a model whose server answers as serve does: openaitest keeps to the protocol.
func modelAt(t *testing.T, serve http.HandlerFunc) (*OpenAI, *outcomes) {
	t.Helper()
	server := httptest.NewServer(serve)
	t.Cleanup(server.Close)
	told := &outcomes{}
	llm := config.LLM{BaseURL: server.URL, Model: "test-model", Timeout: config.Duration(time.Minute), IdleTimeout: config.Duration(time.Minute)}
	return NewOpenAI(func() config.LLM { return llm }, "", nil, told.observe), told
}

const (
	aWord  = `data: {"choices":[{"index":0,"delta":{"content":"One hour [1]."}}]}`
	theEnd = `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`
)

func TestWhatHasNoEndInAStreamIsABadAnswer(t *testing.T) {
	t.Parallel()
	for name, endless := range map[string]string{
		"a line":    strings.Repeat("x", 1<<10),
		"an event":  "data: " + strings.Repeat("x", 1<<10) + "\n",
		"a comment": ": " + strings.Repeat("x", 1<<10) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			model, told := modelAt(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				_, err := io.WriteString(w, "data: ")
				for err == nil && r.Context().Err() == nil {
					_, err = io.WriteString(w, endless)
				}
			})
			_, err := model.Generate(t.Context(), testPrompt(), discard)
			if rag.KindOf(err) != rag.ErrLLMBadAnswer || outcomeOf(context.Background(), err) != "error" {
				t.Errorf("%v, which shows %s of the server", err, outcomeOf(context.Background(), err))
			}
			if diff := cmp.Diff([]string{"bad_upstream_answer"}, told.all); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			spare := openaitest.New(t)
			chain, wrote := chained(time.Minute, spare, spare)
			chain.First = model
			if _, err := chain.Generate(t.Context(), testPrompt(), discard); err != nil || len(*wrote) != 1 {
				t.Errorf("%v after %v, want a fallback's answer", err, *wrote)
			}
		})
	}
}

// A stream as a whole has no bound but that of its text: servers send events and comments while they think.
func TestAStreamOfManyEventsIsAnAnswer(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"\n", "\r\n"} {
		model, _ := modelAt(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for range 3 << 10 {
				_, _ = io.WriteString(w, ": "+strings.Repeat("x", 1<<10)+end+end)
			}
			_, _ = io.WriteString(w, aWord+end+end+theEnd+end+end)
		})
		if got, err := model.Generate(t.Context(), testPrompt(), discard); err != nil || textOf(got) != "One hour [1]." {
			t.Errorf("%q: %q, %v", end, textOf(got), err)
		}
	}
}

// Whatever the body of a refusal is, its status counts: servers have an error that is a text, or none.
func TestARefusalCountsByItsStatus(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"a text": `{"error":"model is overloaded","error_type":"overloaded"}`, "nothing": "", "a page": "<html>", "a list": "[1]",
		"a number for a code": `{"error":{"code":400}}`, "half of one": `{"error":{"code":"x`, "endless": `{"error":"` + strings.Repeat("x", 1<<20),
	} {
		for status, want := range map[int]*rag.Kind{400: rag.ErrLLMRefused, 500: rag.ErrLLMUnavailable} {
			model, _ := modelAt(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				_, _ = io.WriteString(w, body)
			})
			_, err := model.Generate(t.Context(), testPrompt(), discard)
			if e, ok := errors.AsType[*upstreamError](err); !ok || e.Status != status || rag.KindOf(err) != want {
				t.Errorf("%s with %d: %v, want %v", name, status, err, want)
			}
		}
	}
}

func TestTheCodeOfARefusalMayStandAtItsTop(t *testing.T) {
	t.Parallel()
	model, _ := modelAt(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"object":"error","message":"m","type":"BadRequestError","code":"content_filter"}`)
	})
	if _, err := model.Generate(t.Context(), testPrompt(), discard); err == nil || !strings.Contains(err.Error(), "filter refused") {
		t.Errorf("%v, want the filter's refusal", err)
	}
}

func TestARefusalThatDoesNotEndIsReadNoFurther(t *testing.T) {
	t.Parallel()
	model, _ := modelAt(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, strings.Repeat("x", 2*maxErrorBytes))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	if _, err := model.Generate(t.Context(), testPrompt(), discard); !errors.Is(err, rag.ErrLLMUnavailable) {
		t.Errorf("%v, want what its status says", err)
	}
}
