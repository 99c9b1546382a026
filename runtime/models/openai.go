package models

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/ssestream"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// maxAnswerBytes bounds an answer, whatever the server sends.
const maxAnswerBytes = 1 << 20

var (
	errFirstToken = errors.New("no token came in time")
	errIdle       = errors.New("the next token did not come in time")
	errRedirect   = errors.New("the server redirects, which is not followed: set baseURL to the final address")
)

// Observer is told how an answer ended: "ok" or the code of its error.
type Observer func(ctx context.Context, outcome string, took time.Duration, usage rag.Usage)

// OpenAI writes answers with any server that has the OpenAI chat API. It always streams: a caller that wants the whole
// answer collects it, and both share one path.
type OpenAI struct {
	// Settings are read for each answer.
	Settings func() config.LLM
	// APIKey is sent as a bearer token; empty for none.
	APIKey string
	// Observe is told of each answer that a caller waited for to its end.
	Observe Observer

	client *http.Client
	health health
}

// NewOpenAI makes a generator for the server that settings name.
func NewOpenAI(settings func() config.LLM, apiKey string, observe Observer) *OpenAI {
	// The bound on the first token covers the connection and the headers.
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 64, IdleConnTimeout: 90 * time.Second, ForceAttemptHTTP2: true}
	return &OpenAI{
		Settings: settings, APIKey: apiKey, Observe: observe,
		client: &http.Client{
			Transport:     tracing{transport},
			CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirect },
		},
	}
}

// tracing sends the trace of the request's context along.
type tracing struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t tracing) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context()) // a RoundTripper must leave the caller's request alone
	telemetry.InjectTrace(r.Context(), r.Header)
	return t.next.RoundTrip(r)
}

// Generate implements rag.Generator. Until the first token it tries again after connection errors, 429, 502 and 503,
// as long as the wait still fits into the timeout; never after a timeout or a token.
func (g *OpenAI) Generate(ctx context.Context, p rag.Prompt, emit func(string) error) (rag.Completion, error) {
	settings := g.Settings()
	started := time.Now()
	watched, watch := newWatchdog(ctx, settings.Timeout.D(), settings.IdleTimeout.D())
	defer watch.stop()

	var out rag.Completion
	var err error
	for attempt := 0; ; attempt++ {
		out, err = g.attempt(watched, settings, p, watch, emit)
		if err == nil || watch.sawToken() || !g.waitToRetry(watched, attempt, err, started.Add(settings.Timeout.D())) {
			break
		}
	}
	if emitted, ok := errors.AsType[*emitError](err); ok {
		return rag.Completion{}, emitted.err // the reader left: says nothing of the model
	}
	switch cause := context.Cause(ctx); {
	case err == nil:
	case errors.Is(cause, rag.ErrLLMTimeout):
		err = cause // the answer's own time was over, which is a fault of the model
	case cause != nil:
		return rag.Completion{}, ctx.Err() // so does who no longer waits
	default:
		err = g.explain(context.Cause(watched), err, settings)
	}
	g.conclude(ctx, err, time.Since(started), out.Usage)
	if err != nil {
		return rag.Completion{}, err
	}
	return out, nil
}

// Healthy says whether the model answered more than half of its last requests, and whether it was asked at all.
func (g *OpenAI) Healthy() (healthy, asked bool) { return g.health.judge() }

func (g *OpenAI) conclude(ctx context.Context, err error, took time.Duration, usage rag.Usage) {
	outcome := "ok"
	if err != nil {
		outcome = rag.KindOf(err).Code
	}
	g.health.add(err == nil)
	g.Observe(ctx, outcome, took, usage)
}

// emitError is an error of the reader, as opposed to one of the model.
type emitError struct{ err error }

func (e *emitError) Error() string { return e.err.Error() }

func (g *OpenAI) attempt(ctx context.Context, s config.LLM, p rag.Prompt, watch *watchdog, emit func(string) error) (rag.Completion, error) {
	service := openai.NewChatCompletionService(g.options(s)...) // not NewClient, which reads the environment
	stream := service.NewStreaming(ctx, params(p))
	defer func() { _ = stream.Close() }()
	return collect(stream, p, watch, emit)
}

func (g *OpenAI) options(s config.LLM) []option.RequestOption {
	opts := []option.RequestOption{option.WithBaseURL(s.BaseURL), option.WithHTTPClient(g.client), option.WithMaxRetries(0)}
	if g.APIKey != "" {
		opts = append(opts, option.WithAPIKey(g.APIKey))
	}
	return opts
}

func params(p rag.Prompt) openai.ChatCompletionNewParams {
	out := openai.ChatCompletionNewParams{
		Model:         p.Model,
		Temperature:   openai.Float(p.Temperature),
		MaxTokens:     openai.Int(int64(p.MaxTokens)),
		StreamOptions: openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)},
	}
	for _, m := range p.Messages() {
		if m.Role == "system" {
			out.Messages = append(out.Messages, openai.SystemMessage(m.Content))
		} else {
			out.Messages = append(out.Messages, openai.UserMessage(m.Content))
		}
	}
	return out
}

// collect reads a stream to its end. A stream that ends without a finish reason was cut off.
func collect(stream *ssestream.Stream[openai.ChatCompletionChunk], p rag.Prompt, watch *watchdog, emit func(string) error) (rag.Completion, error) {
	out := rag.Completion{Model: p.Model}
	size := 0
	for stream.Next() {
		chunk := stream.Current()
		if chunk.Usage.TotalTokens > 0 {
			out.Usage = rag.Usage{PromptTokens: int(chunk.Usage.PromptTokens), CompletionTokens: int(chunk.Usage.CompletionTokens)}
		}
		if len(chunk.Choices) == 0 {
			continue
		}
		choice := chunk.Choices[0]
		if choice.FinishReason != "" {
			out.FinishReason = choice.FinishReason
		}
		if choice.Delta.Content == "" {
			continue
		}
		if size += len(choice.Delta.Content); size > maxAnswerBytes {
			return rag.Completion{}, badAnswer(fmt.Errorf("the answer is longer than %d bytes", maxAnswerBytes))
		}
		watch.token()
		out.Tokens = append(out.Tokens, choice.Delta.Content)
		if err := emit(choice.Delta.Content); err != nil {
			return rag.Completion{}, &emitError{err}
		}
	}
	if err := stream.Err(); err != nil {
		return rag.Completion{}, err
	}
	if len(out.Tokens) == 0 {
		return rag.Completion{}, badAnswer(errors.New("the answer is empty"))
	}
	if out.FinishReason == "" {
		return rag.Completion{}, badAnswer(errors.New("the stream ended before the answer did"))
	}
	return out, nil
}

// explain turns what the client library says into an error of the domain. The server's own words go to the log only.
func (g *OpenAI) explain(cause, err error, s config.LLM) error {
	var domain *rag.Error
	var api *openai.Error
	var syntax *json.SyntaxError
	var shape *json.UnmarshalTypeError
	switch {
	case errors.Is(cause, errFirstToken):
		return rag.LLMTimedOut(s.Timeout.D(), cause)
	case errors.Is(cause, errIdle):
		return rag.LLMTimedOut(s.IdleTimeout.D(), cause)
	case errors.As(err, &domain):
		return domain
	case errors.As(err, &syntax), errors.As(err, &shape):
		return badAnswer(err)
	case errors.As(err, &api):
		return refused(api)
	default:
		return &rag.Error{Kind: rag.ErrLLMUnavailable, Message: "LLM service cannot be reached", RetryAfter: unavailableFor, Cause: err}
	}
}

// unavailableFor is the advice to callers while the model fails: about the longest wait of our own retries.
const unavailableFor = 5 * time.Second

// refused explains a status that the server answered with.
func refused(api *openai.Error) error {
	cause := fmt.Errorf("the server answered %d", api.StatusCode)
	switch {
	case api.StatusCode == http.StatusTooManyRequests || api.StatusCode >= 500:
		return &rag.Error{Kind: rag.ErrLLMUnavailable, Message: "LLM service is unavailable", RetryAfter: max(retryAfter(api.Response), unavailableFor), Cause: cause}
	default: // 400, 401, 403, 404: the service is misconfigured; its users cannot mend that
		return &rag.Error{Kind: rag.ErrLLMBadAnswer, Message: "LLM service refused the request", Cause: cause}
	}
}

func badAnswer(cause error) error {
	return &rag.Error{Kind: rag.ErrLLMBadAnswer, Message: "LLM service gave an answer that cannot be read", Cause: cause}
}
