package openaitest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/ragservice/ragservice-operator/test/openaitest"
)

// The official client is the judge of what the server says.
func official(s *openaitest.Server) openai.Client {
	return openai.NewClient(option.WithBaseURL(s.BaseURL()), option.WithAPIKey("sk-test"), option.WithMaxRetries(0))
}

func question(text string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model:    "test-model",
		Messages: []openai.ChatCompletionMessageParamUnion{openai.SystemMessage("Be brief."), openai.UserMessage(text)},
	}
}

func TestChat(t *testing.T) {
	t.Parallel()
	s := openaitest.New(t)
	client := official(s)
	answer, err := client.Chat.Completions.New(t.Context(), question("What is Go?"))
	if err != nil {
		t.Fatal(err)
	}
	got := []any{
		answer.Choices[0].Message.Content, answer.Choices[0].FinishReason,
		answer.Usage.PromptTokens, answer.Usage.CompletionTokens, answer.Usage.TotalTokens,
	}
	want := []any{"You said: What is Go?", "stop", int64(5), int64(5), int64(10)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	request := s.Requests(openaitest.Chat)[0]
	if request.Authorization != "Bearer sk-test" || request.Chat.Last() != "What is Go?" || request.Abandoned {
		t.Errorf("recorded %+v", request)
	}
}

func TestChatStopsAtTheTokenLimit(t *testing.T) {
	t.Parallel()
	client := official(openaitest.New(t))
	params := question("one two three")
	params.MaxCompletionTokens = openai.Int(3)
	answer, err := client.Chat.Completions.New(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	if c := answer.Choices[0]; c.Message.Content != "You said: one" || c.FinishReason != "length" {
		t.Errorf("answered %q, %s", c.Message.Content, c.FinishReason)
	}
}

// read streams an answer to its end or failure.
func read(ctx context.Context, client openai.Client, params openai.ChatCompletionNewParams) (openai.ChatCompletionAccumulator, error) {
	stream := client.Chat.Completions.NewStreaming(ctx, params)
	defer func() { _ = stream.Close() }()
	var all openai.ChatCompletionAccumulator
	for stream.Next() {
		all.AddChunk(stream.Current())
	}
	return all, stream.Err()
}

func TestStream(t *testing.T) {
	t.Parallel()
	client := official(openaitest.New(t))
	params := question("What is Go?")
	params.StreamOptions = openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)}
	all, err := read(t.Context(), client, params)
	if err != nil {
		t.Fatal(err)
	}
	got := []any{all.Choices[0].Message.Content, all.Choices[0].FinishReason, all.Usage.TotalTokens}
	if diff := cmp.Diff([]any{"You said: What is Go?", "stop", int64(10)}, got); diff != "" {
		t.Error(diff)
	}
}

func TestScriptRunsOutAndAlwaysRemains(t *testing.T) {
	t.Parallel()
	s := openaitest.New(t)
	client := official(s)
	s.Script(openaitest.Chat, openaitest.Behaviour{Status: http.StatusTooManyRequests, RetryAfter: "7"}, openaitest.Behaviour{})
	s.Always(openaitest.Chat, openaitest.Behaviour{Status: http.StatusServiceUnavailable})

	for i, want := range []int{429, 0, 503, 503} {
		_, err := client.Chat.Completions.New(t.Context(), question("?"))
		var failed *openai.Error
		switch {
		case want == 0 && err == nil:
		case !errors.As(err, &failed) || failed.StatusCode != want:
			t.Errorf("request %d: %v, want status %d", i, err, want)
		case want == 429 && failed.Response.Header.Get("Retry-After") != "7":
			t.Errorf("Retry-After %q, want 7", failed.Response.Header.Get("Retry-After"))
		}
	}
	if n := s.Count(openaitest.Chat); n != 4 {
		t.Errorf("%d requests, want 4", n)
	}
}

func TestBrokenStreams(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fault openaitest.Fault
		check func(error) bool
	}{
		"truncated":   {openaitest.Truncate, func(err error) bool { return err == nil }}, // only the missing finish reason tells
		"malformed":   {openaitest.Malformed, func(err error) bool { return err != nil }},
		"reset":       {openaitest.Reset, func(err error) bool { return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.ErrUnexpectedEOF) }},
		"error event": {openaitest.ErrorEvent, func(err error) bool { return err != nil && strings.Contains(err.Error(), "scripted") }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openaitest.New(t)
			s.Script(openaitest.Chat, openaitest.Behaviour{Fault: test.fault, AfterPieces: 3})
			all, err := read(t.Context(), official(s), question("What is Go?"))
			if !test.check(err) {
				t.Errorf("unexpected outcome: %v", err)
			}
			if len(all.Choices) != 1 || all.Choices[0].Message.Content != "You said:" || all.Choices[0].FinishReason != "" {
				t.Errorf("before the fault: %+v, want two words", all.Choices)
			}
		})
	}
}

func TestBrokenBodies(t *testing.T) {
	t.Parallel()
	for _, fault := range []openaitest.Fault{openaitest.Truncate, openaitest.Malformed, openaitest.Reset} {
		s := openaitest.New(t)
		client := official(s)
		for _, after := range []int{0, 1} {
			s.Script(openaitest.Chat, openaitest.Behaviour{Fault: fault, AfterPieces: after})
			if answer, err := client.Chat.Completions.New(t.Context(), question("?")); err == nil {
				t.Errorf("fault %d after %d pieces: answered %+v", fault, after, answer)
			}
		}
	}
}

func TestHangLastsUntilTheClientLeaves(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]openaitest.Behaviour{
		"before the headers": {Delay: openaitest.Forever},
		"in mid-stream":      {Fault: openaitest.Hang, AfterPieces: 2},
		"between tokens":     {Gap: openaitest.Forever},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openaitest.New(t)
			s.Script(openaitest.Chat, b)
			ctx, leave := context.WithCancel(t.Context())
			go func() {
				for s.Count(openaitest.Chat) == 0 && ctx.Err() == nil {
					time.Sleep(time.Millisecond)
				}
				leave()
			}()
			if _, err := read(ctx, official(s), question("?")); !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want that the client left", err)
			}
			for !s.Requests(openaitest.Chat)[0].Abandoned {
				if t.Context().Err() != nil {
					t.Fatal("the server never noticed that its client had left")
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
}

func TestModelsNeedTheKeyWhenThereIsOne(t *testing.T) {
	t.Parallel()
	s := openaitest.New(t)
	s.Serve("a", "b")
	client := official(s)
	list, err := client.Models.List(t.Context())
	if err != nil || len(list.Data) != 2 || list.Data[1].ID != "b" {
		t.Errorf("models %+v, %v", list, err)
	}
	s.RequireKey("sk-other")
	var failed *openai.Error
	if _, err := client.Models.List(t.Context()); !errors.As(err, &failed) || failed.StatusCode != http.StatusUnauthorized {
		t.Errorf("with another key: %v, want 401", err)
	}
}
