package models

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/test/openaitest"
)

func testPrompt() rag.Prompt {
	return rag.Prompt{
		Query: "how long?", Model: "test-model", Temperature: 0.5, MaxTokens: 64,
		Passages: []rag.Chunk{{ID: "a#0", DocumentID: "a", Title: "Cache", Text: "The cache keeps results for one hour."}},
	}
}

func discard(rag.Piece) error { return nil }

// outcomes collects what Observe is told.
type outcomes struct {
	mu  sync.Mutex
	all []string
}

func (o *outcomes) observe(_ context.Context, _, outcome string, _ time.Duration, _ rag.Usage) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, outcome)
}

func newTestModel(server *openaitest.Server, timeout, idle time.Duration) (*OpenAI, *outcomes) {
	told := &outcomes{}
	llm := config.LLM{
		Provider: config.ProviderOpenAI, BaseURL: server.BaseURL(), Model: "test-model",
		Timeout: config.Duration(timeout), IdleTimeout: config.Duration(idle),
	}
	return NewOpenAI(func() config.LLM { return llm }, "sk-canary", nil, told.observe), told
}

func TestOpenAIAnswers(t *testing.T) {
	server := openaitest.New(t)
	server.RequireKey("sk-canary")
	server.Answer(func(openaitest.ChatRequest) string { return "One hour [1]." })
	model, told := newTestModel(server, 5*time.Second, 5*time.Second)
	var streamed []rag.Piece
	got, err := model.Generate(t.Context(), testPrompt(), func(piece rag.Piece) error { streamed = append(streamed, piece); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if text := textOf(got); text != "One hour [1]." || got.FinishReason != "stop" || got.Usage.CompletionTokens == 0 {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff(got.Pieces, streamed); diff != "" {
		t.Errorf("what was streamed is not what was returned:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"ok"}, told.all); diff != "" {
		t.Error(diff)
	}
	asked := server.Requests(openaitest.Chat)[0].Chat
	if last := asked.Messages[len(asked.Messages)-1].Content; !strings.Contains(string(last), "[1] Cache") || !strings.Contains(string(last),
		"how long?") {
		t.Errorf("the model was asked %q", last)
	}
}

func TestOpenAIFaults(t *testing.T) {
	t.Parallel()
	long := time.Minute
	tests := []struct {
		name          string
		timeout, idle time.Duration
		behaviour     openaitest.Behaviour
		want          *rag.Kind
		// requests is how many attempts are made; those that the timeout ends may be fewer on a busy machine.
		requests int
	}{
		{"no first token", 500 * time.Millisecond, long, openaitest.Behaviour{Delay: openaitest.Forever}, rag.ErrLLMTimeout, 1},
		{"hang in mid-stream", long, 300 * time.Millisecond, openaitest.Behaviour{Fault: openaitest.Hang, AfterPieces: 3}, rag.ErrLLMTimeout, 1},
		{"cut off", long, long, openaitest.Behaviour{Fault: openaitest.Truncate, AfterPieces: 3}, rag.ErrLLMBadAnswer, 1},
		{"malformed", long, long, openaitest.Behaviour{Fault: openaitest.Malformed, AfterPieces: 3}, rag.ErrLLMBadAnswer, 1},
		{"reset in mid-stream", long, long, openaitest.Behaviour{Fault: openaitest.Reset, AfterPieces: 3}, rag.ErrLLMUnavailable, 1},
		{"an error event", long, long, openaitest.Behaviour{Fault: openaitest.ErrorEvent, AfterPieces: 3}, rag.ErrLLMUnavailable, 1},
		{"an error event that refuses", long, long,
			openaitest.Behaviour{Fault: openaitest.ErrorEvent, Error: openaitest.Error{Type: "invalid_request_error",
				Code: "context_length_exceeded"}}, rag.ErrLLMBadAnswer, 1},
		{"500", long, long, openaitest.Behaviour{Status: 500}, rag.ErrLLMUnavailable, 1},
		{"401", long, long, openaitest.Behaviour{Status: 401}, rag.ErrLLMBadAnswer, 1},
		{"503 for longer than the timeout", 4 * time.Second, long, openaitest.Behaviour{Status: 503}, rag.ErrLLMUnavailable, 2},
		{"429 that asks for a longer wait than fits", 4 * time.Second, long, openaitest.Behaviour{Status: 429, RetryAfter: "30"}, rag.ErrLLMUnavailable, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := openaitest.New(t)
			server.Always(openaitest.Chat, tt.behaviour)
			model, told := newTestModel(server, tt.timeout, tt.idle)
			_, err := model.Generate(t.Context(), testPrompt(), discard)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %s", err, tt.want.Code)
			}
			if n := server.Count(openaitest.Chat); n > tt.requests || n < tt.requests && tt.timeout == long {
				t.Errorf("made %d requests, want %d", n, tt.requests)
			}
			if strings.Contains(err.Error(), "sk-canary") {
				t.Error("the error holds the key")
			}
			if diff := cmp.Diff([]string{tt.want.Code}, told.all); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
		})
	}
}

// TestOpenAISaysWhatTheServerNamed covers the error object in both of its places: its code reaches the log and the caller is told
// what it means; nothing of its message reaches either.
func TestOpenAISaysWhatTheServerNamed(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1000)
	tests := []struct {
		name   string
		status int
		error  openaitest.Error
		kind   *rag.Kind
		// logged must be in the error's text, told in its message.
		logged, told string
	}{
		{"too long", 400, openaitest.Error{Code: "context_length_exceeded", Param: "messages"}, rag.ErrLLMRefused,
			"code context_length_exceeded", "longer than the model reads"},
		{"a parameter", 400, openaitest.Error{Code: "unsupported_parameter", Param: "max_tokens"}, rag.ErrLLMRefused, "param max_tokens", "parameter"},
		{"the key", 401, openaitest.Error{Code: "invalid_api_key"}, rag.ErrLLMBadAnswer, "401", "key"},
		{"no such model", 404, openaitest.Error{}, rag.ErrLLMBadAnswer, "404", "model"},
		{"filtered", 400, openaitest.Error{Code: "content_filter"}, rag.ErrLLMRefused, "content_filter", "content filter"},
		{"filtered, as a fault of the server", 500, openaitest.Error{Type: "content_policy_violation"}, rag.ErrLLMRefused, "content_policy", "content filter"},
		{"filtered in the stream", 0, openaitest.Error{Code: "content_filter"}, rag.ErrLLMRefused, "content_filter", "content filter"},
		{"a filter without a name", 403, openaitest.Error{}, rag.ErrLLMRefused, "403", "key"},
		{"a gateway that waited too long", 408, openaitest.Error{}, rag.ErrLLMUnavailable, "408", "unavailable"},
		{"the key, in the stream", 0, openaitest.Error{Code: "invalid_api_key"}, rag.ErrLLMBadAnswer, "invalid_api_key", "key"},
		{"overloaded", 500, openaitest.Error{Code: "engine_overloaded"}, rag.ErrLLMUnavailable, "engine_overloaded", "unavailable"},
		{"free text for names", 400, openaitest.Error{Code: "canary of a prompt", Type: "sk-canary", Param: long}, rag.ErrLLMRefused, "400", "refused"},
		{"in the stream", 0, openaitest.Error{Type: "overloaded_error"}, rag.ErrLLMUnavailable, "overloaded_error", "unavailable"},
		{"in the stream, too long", 0, openaitest.Error{Code: "context_length_exceeded"}, rag.ErrLLMRefused, "context_length_exceeded",
			"longer than the model reads"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.error.Message = "canary: the prompt was 'how long?', the key sk-canary" + long
			server := openaitest.New(t)
			server.Always(openaitest.Chat, openaitest.Behaviour{Status: tt.status, Fault: openaitest.ErrorEvent, AfterPieces: 2, Error: tt.error})
			model, _ := newTestModel(server, 5*time.Second, 5*time.Second)
			_, err := model.Generate(t.Context(), testPrompt(), discard)
			var known *rag.Error
			if !errors.As(err, &known) || known.Kind != tt.kind {
				t.Fatalf("got %v, want %s", err, tt.kind.Code)
			}
			text := err.Error()
			if !strings.Contains(text, tt.logged) || !strings.Contains(known.Message, tt.told) {
				t.Errorf("%q does not tell %q and %q", text, tt.logged, tt.told)
			}
			if strings.Contains(text, "canary") || strings.Contains(text, "how long") || len(known.Cause.Error()) > maxUpstreamText {
				t.Errorf("too much of the server's words: %q", text)
			}
		})
	}
}

func TestOpenAIAnswersThatAreNone(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, answer, finish string }{
		{"empty", "", ""},
		{"white space", " \n\t \u3000\n", ""},
		{"thought alone", "<think>It says [1].", "length"},
		{"withheld", "", "content_filter"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := openaitest.New(t)
			server.Answer(func(openaitest.ChatRequest) string { return tt.answer })
			server.Always(openaitest.Chat, openaitest.Behaviour{Finish: tt.finish})
			model, told := newTestModel(server, 5*time.Second, 5*time.Second)
			emitted := 0
			_, err := model.Generate(t.Context(), testPrompt(), func(rag.Piece) error { emitted++; return nil })
			if !errors.Is(err, rag.ErrLLMRefused) || emitted > 0 {
				t.Errorf("got %v and %d tokens, want a refusal and none", err, emitted)
			}
			if diff := cmp.Diff([]string{"bad_upstream_answer"}, told.all); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOpenAITellsHowAnAnswerEnded(t *testing.T) {
	t.Parallel()
	for _, reason := range []string{"stop", "length", "content_filter"} {
		server := openaitest.New(t)
		server.Always(openaitest.Chat, openaitest.Behaviour{Finish: reason})
		model, _ := newTestModel(server, 5*time.Second, 5*time.Second)
		got, err := model.Generate(t.Context(), testPrompt(), discard)
		if err != nil || got.FinishReason != reason {
			t.Errorf("got %q, %v, want %q", got.FinishReason, err, reason)
		}
	}
}

// TestOpenAIThinksAloud has a model whose thought outlasts each of the bounds on silence: it is at work, and what it thinks is not
// in the answer.
func TestOpenAIThinksAloud(t *testing.T) {
	t.Parallel()
	server := openaitest.New(t)
	server.Answer(func(openaitest.ChatRequest) string { return "<think>the first</think> One hour [1]." })
	server.Always(openaitest.Chat, openaitest.Behaviour{Thought: strings.Repeat("hm [2] ", 20), Gap: 100 * time.Millisecond})
	model, _ := newTestModel(server, 2*time.Second, 2*time.Second)
	got, err := model.Generate(t.Context(), testPrompt(), discard)
	if err != nil {
		t.Fatal(err)
	}
	if text := textOf(got); text != "One hour [1]." {
		t.Errorf("got %q", text)
	}
}

// A thought that begins in the prompt is known by its end: who reads the whole answer never has it, and of a stream only the first.
func TestOpenAIThinksInThePrompt(t *testing.T) {
	t.Parallel()
	const written, answer = "Is it [2]?</think> One hour [1].", "One hour [1]."
	server := openaitest.New(t)
	server.Answer(func(openaitest.ChatRequest) string { return written })
	whole := testPrompt()
	whole.Whole = true
	for name, test := range map[string]struct {
		before, prompt rag.Prompt
		want           string
		thought        bool
	}{
		"a whole answer":           {prompt: whole, want: answer},
		"the first stream":         {prompt: testPrompt(), want: "Is it [2]? One hour [1].", thought: true},
		"a stream after a stream":  {before: testPrompt(), prompt: testPrompt(), want: answer},
		"a stream after an answer": {before: whole, prompt: testPrompt(), want: answer},
	} {
		model, _ := newTestModel(server, 5*time.Second, 5*time.Second)
		if test.before.Query != "" {
			if _, err := model.Generate(t.Context(), test.before, discard); err != nil {
				t.Fatal(err)
			}
		}
		got, err := model.Generate(t.Context(), test.prompt, discard)
		if err != nil {
			t.Fatal(err)
		}
		if text := textOf(got); text != test.want || got.HoldsThought != test.thought {
			t.Errorf("%s: got %q, thought %t", name, text, got.HoldsThought)
		}
	}
}

func TestOpenAITriesAgain(t *testing.T) {
	t.Parallel()
	server := openaitest.New(t)
	server.Script(openaitest.Chat, openaitest.Behaviour{Status: 503}, openaitest.Behaviour{Status: 429, RetryAfter: "1"})
	model, _ := newTestModel(server, 20*time.Second, 5*time.Second)
	if _, err := model.Generate(t.Context(), testPrompt(), discard); err != nil {
		t.Fatal(err)
	}
	if n := server.Count(openaitest.Chat); n != 3 {
		t.Errorf("made %d requests, want 3", n)
	}
}

func TestOpenAINobodyListens(t *testing.T) {
	llm := config.LLM{BaseURL: "http://127.0.0.1:1/v1", Timeout: config.Duration(time.Second), IdleTimeout: config.Duration(time.Second)}
	model := NewOpenAI(func() config.LLM { return llm }, "", nil, (&outcomes{}).observe)
	if _, err := model.Generate(t.Context(), testPrompt(), discard); !errors.Is(err, rag.ErrLLMUnavailable) {
		t.Errorf("got %v, want llm_unavailable", err)
	}
}

func TestTheReaderWhoLeavesSaysNothingOfTheModel(t *testing.T) {
	server := openaitest.New(t)
	model, told := newTestModel(server, 5*time.Second, 5*time.Second)
	gone := errors.New("gone")
	if _, err := model.Generate(t.Context(), testPrompt(), func(rag.Piece) error { return gone }); !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := model.Generate(ctx, testPrompt(), discard); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if len(told.all) != 0 {
		t.Errorf("outcomes %v, want none", told.all)
	}
}

func TestAnAnswerThatOutlastsItsAskIsAFaultOfTheModel(t *testing.T) {
	server := openaitest.New(t)
	server.Always(openaitest.Chat, openaitest.Behaviour{Fault: openaitest.Hang})
	model, told := newTestModel(server, time.Minute, time.Minute)
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		for server.Count(openaitest.Chat) == 0 && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		cancel(rag.LLMTimedOut(time.Second, nil))
	}()
	if _, err := model.Generate(ctx, testPrompt(), discard); !errors.Is(err, rag.ErrLLMTimeout) {
		t.Errorf("got %v, want llm_timeout", err)
	}
	if diff := cmp.Diff([]string{"llm_timeout"}, told.all); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if healthy, asked := model.Healthy(); healthy || !asked {
		t.Errorf("healthy %v, asked %v", healthy, asked)
	}
}

// TestTheEndOfTheRequestsTimeIsAFaultOfTheModel has the plain deadline of a request, without a cause of its own.
func TestTheEndOfTheRequestsTimeIsAFaultOfTheModel(t *testing.T) {
	server := openaitest.New(t)
	server.Always(openaitest.Chat, openaitest.Behaviour{Delay: openaitest.Forever})
	model, told := newTestModel(server, time.Minute, time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := model.Generate(ctx, testPrompt(), discard)
	var known *rag.Error
	if !errors.As(err, &known) || known.Kind != rag.ErrLLMTimeout || known.Details["timeout_seconds"] == nil {
		t.Errorf("got %v, want llm_timeout with timeout_seconds", err)
	}
	if diff := cmp.Diff([]string{"llm_timeout"}, told.all); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if healthy, asked := model.Healthy(); healthy || !asked {
		t.Errorf("healthy %v, asked %v", healthy, asked)
	}
}

func TestHealth(t *testing.T) {
	var h health
	if _, asked := h.state(); asked {
		t.Error("asked before the first answer")
	}
	for _, ok := range []bool{true, true, false, false} {
		h.add(ok)
	}
	if healthy, _ := h.state(); healthy {
		t.Error("healthy although half of the answers failed")
	}
	for range healthWindow {
		h.add(true)
	}
	if healthy, asked := h.state(); !healthy || !asked {
		t.Error("not healthy after a window of good answers")
	}
}

func TestOpenAIOfAPrivateAuthority(t *testing.T) {
	server, certificate := openaitest.NewTLS(t)
	llm := config.LLM{
		Provider: config.ProviderOpenAI, BaseURL: server.BaseURL(), Model: "test-model",
		Timeout: config.Duration(time.Minute), IdleTimeout: config.Duration(time.Minute),
	}
	ask := func(bundle string) error {
		roots, err := config.Roots(bundle)
		if err != nil {
			t.Fatal(err)
		}
		model := NewOpenAI(func() config.LLM { return llm }, "", roots, (&outcomes{}).observe)
		_, err = model.Generate(t.Context(), rag.Prompt{Query: "q", Model: "test-model", MaxTokens: 100}, func(rag.Piece) error { return nil })
		return err
	}
	if err := ask(certificate); err != nil {
		t.Errorf("with its certificate: %v", err)
	}
	if err := ask(""); !errors.Is(err, rag.ErrLLMUnavailable) {
		t.Errorf("without: %v, want ErrLLMUnavailable", err)
	}
}

// Whoever reads a whole answer may leave while it is told, which says nothing of the model.
func TestAReaderOfAWholeAnswerLeaves(t *testing.T) {
	t.Parallel()
	server := openaitest.New(t)
	model, told := newTestModel(server, time.Minute, time.Minute)
	whole, gone := testPrompt(), errors.New("gone")
	whole.Whole = true
	if _, err := model.Generate(t.Context(), whole, func(rag.Piece) error { return gone }); !errors.Is(err, gone) || len(told.all) != 0 {
		t.Errorf("%v, told %v", err, told.all)
	}
}
