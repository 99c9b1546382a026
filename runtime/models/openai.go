package models

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/ssestream"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// maxAnswerBytes bounds an answer, whatever the server sends.
const maxAnswerBytes = 1 << 20

var (
	errFirstToken = errors.New("no token came in time")
	errIdle       = errors.New("the next token did not come in time")
	errRedirect   = errors.New("the server redirects, which is not followed: set baseURL to the final address")
)

// Observer is told which model was asked, and how its answer ended: "ok" or the code of its error.
type Observer func(ctx context.Context, model, outcome string, took time.Duration, usage rag.Usage)

// OpenAI writes answers with any server that has the OpenAI chat API. It always streams: a caller that wants the whole
// answer collects it, and both share one path.
type OpenAI struct {
	// Settings are read for each answer.
	Settings func() config.LLM
	// Resilience are the retries and the breaker, read for each answer.
	Resilience func() config.Resilience
	// APIKey is sent as a bearer token; empty for none.
	APIKey string
	// Observe is told of each answer that a caller waited for to its end.
	Observe Observer
	// Budget is asked before each request; nil for none. OnCost is told the model of each and what it took; nil for nobody.
	Budget rag.Budget
	OnCost func(model string, took rag.Cost)

	client  *http.Client
	health  health
	retries retryBudget
	guard   *resilience.Guard
	// thinking are the models whose thoughts begin in the prompt, as an answer of theirs has shown.
	thinking sync.Map
}

// NewOpenAI makes a generator for the server that settings name, whose certificate one of roots signs, with the retries and the breaker of
// a configuration that says nothing of them.
func NewOpenAI(settings func() config.LLM, apiKey string, roots *x509.CertPool, observe Observer) *OpenAI {
	// The bound on the first token covers the connection and the headers.
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		MaxIdleConnsPerHost: 64, IdleConnTimeout: 90 * time.Second, ForceAttemptHTTP2: true,
	}
	g := &OpenAI{
		Settings: settings, APIKey: apiKey, Observe: observe,
		Resilience: func() config.Resilience { return config.Resilience{} },
		client: &http.Client{
			Transport:     tracing{bounded{transport, apiKey}},
			CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirect },
		},
	}
	g.guard = newGuard(func() (int, time.Duration) { return g.Resilience().Breaker() })
	return g
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
// as long as the wait still fits into the timeout and the budget of retries allows it; never after a timeout or a token.
// While the model's server is known to be down, it fails at once.
func (g *OpenAI) Generate(ctx context.Context, p rag.Prompt, emit func(rag.Piece) error) (rag.Completion, error) {
	return g.generate(ctx, p, turn{firstToken: g.Settings().Timeout.D(), again: true}, emit)
}

// turn is what a model may do for an answer.
type turn struct {
	// firstToken is how long the first token may take.
	firstToken time.Duration
	// again says that it may be asked more than once.
	again bool
}

func (g *OpenAI) generate(ctx context.Context, p rag.Prompt, t turn, emit func(rag.Piece) error) (rag.Completion, error) {
	started := time.Now()
	g.retries.earn()
	ctx, span := telemetry.ChatSpan(ctx, telemetry.Chat{
		Model: p.Model, BaseURL: p.BaseURL, Temperature: p.Temperature, MaxTokens: p.MaxTokens,
	})
	defer span.End()
	var out rag.Completion
	err := g.guard.Do(ctx, "generate", maxAnswerTime, func(bounded context.Context) (err error) {
		out, err = g.answer(ctx, bounded, p, t, emit)
		return err
	})
	switch {
	case err == nil:
	case left(ctx, err):
		span.Fail(string(resilience.OutcomeCanceled))
		if emitted, ok := errors.AsType[*emitError](err); ok {
			return rag.Completion{}, emitted.err
		}
		return rag.Completion{}, ctx.Err()
	case errors.Is(err, resilience.ErrOpen), errors.Is(err, resilience.ErrBusy):
		err = &rag.Error{Kind: rag.ErrLLMUnavailable, Message: "LLM service is unavailable", RetryAfter: unavailableFor, Cause: err}
		span.Fail(rag.ErrLLMUnavailable.Code)
		g.Observe(ctx, p.Model, rag.ErrLLMUnavailable.Code, time.Since(started), rag.Usage{})
		return rag.Completion{}, err
	case errors.Is(err, rag.ErrBudget): // the model was not asked
		return rag.Completion{}, err
	case ctx.Err() != nil && !errors.Is(err, rag.ErrLLM): // its time was over while it waited for its turn
		err = timedOut(context.Cause(ctx), time.Since(started))
	}
	g.record(ctx, p.Model, err, time.Since(started), out.Usage)
	if err != nil {
		span.Fail(rag.KindOf(err).Code)
		return rag.Completion{}, err
	}
	span.Written(out.Model, out.FinishReason, out.Usage.PromptTokens, out.Usage.CompletionTokens)
	return out, nil
}

// left says whether err is of a reader who no longer waits, which says nothing of the model.
func left(ctx context.Context, err error) bool {
	if _, ok := errors.AsType[*emitError](err); ok {
		return true
	}
	cause := context.Cause(ctx)
	return cause != nil && !errors.Is(cause, rag.ErrLLMTimeout) && !errors.Is(cause, context.DeadlineExceeded)
}

// timedOut is the end of the request's time as a fault of the model; cause may be one that says so itself.
func timedOut(cause error, took time.Duration) error {
	if errors.Is(cause, rag.ErrLLMTimeout) {
		return cause
	}
	return rag.LLMTimedOut(took.Round(time.Second/10), cause)
}

// answer asks until the model answers or there is no more point in it. bounded is ctx within the guard's bound. Errors are of the
// domain, or an emitError, or whatever came of a request that ended with ctx.
func (g *OpenAI) answer(ctx, bounded context.Context, p rag.Prompt, t turn, emit func(rag.Piece) error) (rag.Completion, error) {
	settings := g.Settings()
	settings.Timeout = config.Duration(t.firstToken)
	started := time.Now()
	watched, watch := newWatchdog(bounded, settings.Timeout.D(), settings.IdleTimeout.D())
	defer watch.stop()
	var out rag.Completion
	var err error
	for attempt := 0; ; attempt++ {
		out, err = g.attempt(watched, settings, p, watch, emit)
		if err == nil || !t.again || watch.sawToken() || !g.waitToRetry(watched, attempt, err, started.Add(settings.Timeout.D())) {
			break
		}
	}
	switch {
	case err == nil || left(ctx, err):
		return out, err
	case ctx.Err() != nil:
		return rag.Completion{}, timedOut(context.Cause(ctx), time.Since(started))
	case bounded.Err() != nil:
		return rag.Completion{}, timedOut(bounded.Err(), time.Since(started))
	default:
		return rag.Completion{}, g.explain(context.Cause(watched), err, settings)
	}
}

// Guard stands before the model's server.
func (g *OpenAI) Guard() *resilience.Guard { return g.guard }

// Healthy says whether the model answered more than half of its last requests, and whether it was asked at all.
func (g *OpenAI) Healthy() (healthy, asked bool) { return g.health.state() }

func (g *OpenAI) record(ctx context.Context, model string, err error, took time.Duration, usage rag.Usage) {
	outcome := "ok"
	if err != nil {
		outcome = rag.KindOf(err).Code
	}
	g.health.add(err == nil)
	g.Observe(ctx, model, outcome, took, usage)
}

// emitError is an error of the reader, as opposed to one of the model.
type emitError struct{ err error }

func (e *emitError) Error() string { return e.err.Error() }

func (g *OpenAI) attempt(
	ctx context.Context, s config.LLM, p rag.Prompt, watch *watchdog, emit func(rag.Piece) error,
) (out rag.Completion, err error) {
	body, err := newChatRequest(p)
	if err != nil {
		return rag.Completion{}, err
	}
	request, err := g.reserve(ctx, s, p)
	if err != nil {
		return rag.Completion{}, err
	}
	defer func() { request.end(out, err) }()
	ctx = request.traced(ctx)
	client := openai.Client{Options: g.options(s)} // not NewClient, which reads the environment
	var response *http.Response
	err = client.Post(ctx, "chat/completions", body, &response)
	stream := ssestream.NewStream[chatChunk](ssestream.NewDecoder(response), err)
	defer func() { _ = stream.Close() }()
	return g.collect(stream, p, watch, emit)
}

func (g *OpenAI) options(s config.LLM) []option.RequestOption {
	opts := []option.RequestOption{option.WithBaseURL(s.BaseURL), option.WithHTTPClient(g.client), option.WithMaxRetries(0)}
	if g.APIKey != "" {
		opts = append(opts, option.WithAPIKey(g.APIKey))
	}
	return opts
}

// collect reads a stream to its end. A stream that ends without a finish reason was cut off. Of an answer that is an error it returns what came.
//
// Of a model whose thoughts begin in the prompt nothing is emitted before they end. That it is one shows only when they do, so the first
// stream of it has them; a caller who reads the answer as a whole never has, and gets it when its end shows that it is one.
func (g *OpenAI) collect(
	stream *ssestream.Stream[chatChunk], p rag.Prompt, watch *watchdog, emit func(rag.Piece) error,
) (rag.Completion, error) {
	out := rag.Completion{Model: p.Model}
	_, thinks := g.thinking.Load(p.BaseURL + " " + p.Model)
	text := answerText{hold: thinks || p.Whole}
	size := 0
	add := func(token string) error {
		if token == "" {
			return nil
		}
		piece := rag.Piece{Text: token}
		out.Pieces = append(out.Pieces, piece)
		if p.Whole {
			return nil
		}
		return told(piece, emit)
	}
	for stream.Next() {
		chunk := stream.Current()
		if chunk.Usage.TotalTokens > 0 {
			out.Usage = rag.Usage{PromptTokens: int(chunk.Usage.PromptTokens), CompletionTokens: int(chunk.Usage.CompletionTokens)}
		}
		if len(chunk.Choices) == 0 {
			continue
		}
		choice := &chunk.Choices[0]
		if choice.FinishReason != "" {
			out.FinishReason = choice.FinishReason
		}
		if choice.Delta.Content != "" || choice.Delta.hasThought() {
			watch.token()
		}
		if size += len(choice.Delta.Content); size > maxAnswerBytes {
			return out, badAnswer(fmt.Errorf("the answer is longer than %d bytes", maxAnswerBytes))
		}
		if err := add(text.add(choice.Delta.Content)); err != nil {
			return out, err
		}
	}
	if err := stream.Err(); err != nil {
		return out, err
	}
	if err := add(text.end()); err != nil {
		return out, err
	}
	if text.promptBegins {
		_, known := g.thinking.Swap(p.BaseURL+" "+p.Model, true)
		out.HoldsThought = !known && !p.Whole
	}
	if err := whole(out); err != nil || !p.Whole {
		return out, err
	}
	for _, piece := range out.Pieces {
		if err := told(piece, emit); err != nil {
			return out, err
		}
	}
	return out, nil
}

// told tells a piece.
func told(piece rag.Piece, emit func(rag.Piece) error) error {
	if err := emit(piece); err != nil {
		return &emitError{err}
	}
	return nil
}

// unreadable is what callers are told of an answer that is not of the protocol.
const unreadable = "LLM service gave an answer that cannot be read"

// whole says what is wrong with an answer whose stream ended in order.
func whole(c rag.Completion) error {
	switch {
	case c.FinishReason == "":
		return badAnswer(errors.New("the stream ended before the answer did"))
	case len(c.Pieces) > 0:
		return nil
	case c.FinishReason == rag.FinishLength:
		return noAnswer("LLM service gave no answer within max_tokens", errors.New("the answer is empty, finish_reason length"))
	case c.FinishReason == "content_filter":
		return noAnswer("LLM service's content filter withheld the answer", errors.New("the answer is empty, finish_reason content_filter"))
	default:
		return noAnswer("LLM service gave an empty answer", errors.New("the answer is empty or white space"))
	}
}
