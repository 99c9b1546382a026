package httpapi_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/cache"
	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/models"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/ratelimit"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
)

// unchanging is the state of documents that never change.
type unchanging struct{ rag.Control }

func (unchanging) Current(context.Context, string) rag.State {
	return rag.State{Token: "t", Confirmed: true, Index: "i"}
}

// twoPassages is a search engine that always finds the same, and a model that cites it.
type twoPassages struct{}

func (twoPassages) Retrieve(context.Context, rag.Query) (rag.Retrieval, error) {
	return rag.Retrieval{Total: 2, Mode: rag.ModeKeyword, Hits: []rag.Hit{
		{Score: 3, Chunk: rag.Chunk{ID: "a#0", DocumentID: "a", Title: "A", URL: "https://a", Text: "Results stay one hour.",
			Span: rag.Span{End: 22}, ContentHash: "1"}},
		{Score: 2, Chunk: rag.Chunk{ID: "b#0", DocumentID: "b", Text: "Losing Redis costs speed.", Span: rag.Span{Start: 10, End: 35}, ContentHash: "2"}},
	}}, nil
}

func (twoPassages) Generate(_ context.Context, p rag.Prompt, emit func(rag.Piece) error) (rag.Completion, error) {
	for _, text := range strings.SplitAfter("Results stay one hour [1]. Losing Redis costs speed [2]. Both [1][2].", " ") {
		if err := emit(rag.Piece{Text: text}); err != nil {
			return rag.Completion{}, err
		}
	}
	return rag.Completion{Model: p.Model, FinishReason: rag.FinishStop, Usage: rag.Usage{PromptTokens: 30, CompletionTokens: 12}}, nil
}

// cached makes the fixture's service the real one, with a cache.
func cached(f *fixture) { cachedWith(twoPassages{})(f) }

// cachedWith does so with another model.
func cachedWith(model rag.Generator) option {
	return func(f *fixture) { useCache(f, model) }
}

func useCache(f *fixture, model rag.Generator) {
	f.config.Cache = config.Cache{Enabled: true, TTLSearch: config.Duration(time.Hour), TTLLLM: config.Duration(time.Hour), LocalMaxBytes: 1 << 20}
	f.passed = new(atomic.Int64)
	results := cache.New(cache.Options{
		Config: func() *config.Config { return &f.config }, Control: unchanging{},
		Now: func() time.Time { return time.Now().Add(time.Duration(f.passed.Load())) },
	})
	f.Cleanup(func() { _ = results.Close(context.Background()) })
	answers := results.Generator(rag.WithCitations(model, nil))
	f.api.Service = &rag.Service{
		Retriever: results.Retriever(twoPassages{}),
		Generator: answers,
		Extractor: models.Extractive{},
		Settings: func() rag.Settings {
			return rag.Settings{Retrieval: rag.RetrievalSettings{TopK: 5, MaxTopK: 50}, Model: rag.ModelSettings{Name: "m", MaxTokens: 100, Extract: f.config.LLM.Extract, Price: rag.Price(f.config.LLM.Pricing)}}
		},
	}
}

// A cached answer is the first one again: all but what says that it is cached.
func TestCachedAskIsTheFirstOneAgain(t *testing.T) {
	f := start(t, cached)
	var answers []map[string]any
	for _, outcome := range []string{"MISS", "HIT"} {
		got := f.call("POST", "/api/v1/ask", `{"query":"How long?"}`)
		if got.status != 200 || got.header.Get("X-Cache") != outcome {
			t.Fatalf("%d, X-Cache %q, want 200 and %s: %s", got.status, got.header.Get("X-Cache"), outcome, got.body)
		}
		var answer map[string]any
		got.decode(t, &answer)
		answers = append(answers, answer)
	}
	first, second := answers[0], answers[1]
	if citations, _ := first["citations"].([]any); len(citations) < 2 {
		t.Fatalf("%d citations: the test shows nothing", len(citations))
	}
	want := map[string]any{"prompt_tokens": 0.0, "completion_tokens": 0.0, "cost_usd": 0.0}
	if diff := cmp.Diff(want, second["usage"]); diff != "" {
		t.Errorf("usage of a cached answer (-want +got):\n%s", diff)
	}
	if first["cached"] != false || second["cached"] != true {
		t.Errorf("cached is %v, then %v", first["cached"], second["cached"])
	}
	for _, differs := range []string{"usage", "cached", "trace_id"} {
		delete(first, differs)
		delete(second, differs)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("(-first +second):\n%s", diff)
	}
}

// tokensAndCitations are those events of a stream, as they were sent.
func tokensAndCitations(body string) string {
	var out strings.Builder
	for event := range strings.SplitSeq(body, "\n\n") {
		if strings.HasPrefix(event, "event: token\n") || strings.HasPrefix(event, "event: citation\n") {
			out.WriteString(event + "\n\n")
		}
	}
	return out.String()
}

func TestCachedStreamIsTheFirstOneByteForByte(t *testing.T) {
	f := start(t, cached)
	first := f.call("POST", "/api/v1/stream", `{"query":"How long?"}`)
	second := f.call("POST", "/api/v1/stream", `{"query":"How long?"}`)
	if first.header.Get("X-Cache") != "MISS" || second.header.Get("X-Cache") != "HIT" {
		t.Fatalf("X-Cache %q, then %q", first.header.Get("X-Cache"), second.header.Get("X-Cache"))
	}
	if !strings.Contains(first.body, "event: citation\n") || !strings.Contains(first.body, "event: token\n") {
		t.Fatalf("no token or no citation in %s", first.body)
	}
	if diff := cmp.Diff(tokensAndCitations(first.body), tokensAndCitations(second.body)); diff != "" {
		t.Errorf("(-first +second):\n%s", diff)
	}
	var ask struct{ Answer string }
	_, done, _ := strings.Cut(second.body, "event: done\ndata: ")
	if err := json.Unmarshal([]byte(strings.TrimSpace(done)), &ask); err != nil || !strings.HasPrefix(ask.Answer, "Results stay") {
		t.Errorf("the last event of the cached stream is %q, %v", done, err)
	}
}

// The limits and each lookup of the cache wait for Redis out of one budget of the request: the first lookup while the limits decide, the next
// one has no time left.
func TestRequestPaysOneBudgetForRedis(t *testing.T) {
	silent := listen(t) // accepts connections, and never answers
	defer func() { _ = silent.Close() }()
	var mu sync.Mutex
	outcomes := map[string]int{}
	open := func() *resilience.Redis {
		r := resilience.NewRedis(resilience.RedisOptions{
			Address: silent.Addr().String(),
			Timeout: 5 * time.Second, // far more than the budget: what ends a call is the budget
			OnCall: func(operation string, outcome resilience.Outcome, _ time.Duration) {
				mu.Lock()
				defer mu.Unlock()
				outcomes[operation+" "+string(outcome)]++
			},
		})
		t.Cleanup(func() { _ = r.Close() })
		return r
	}
	f := start(t, cached, func(f *fixture) {
		f.api.Limiter = ratelimit.New(ratelimit.Options{Redis: open(), Service: func() config.Service { return config.Service{Replicas: 1} }})
		results := cache.New(cache.Options{Redis: open(), Config: func() *config.Config { return &f.config }, Control: unchanging{}})
		f.Cleanup(func() { _ = results.Close(canceled(t)) })
		service, _ := f.api.Service.(*rag.Service)
		service.Retriever, service.Generator = results.Retriever(twoPassages{}), results.Generator(service.Generator)
	})
	if got := f.call("POST", "/api/v1/ask", `{"query":"How long?"}`); got.status != 200 {
		t.Fatalf("%d: %s", got.status, got.body)
	}
	count := func(call string) int {
		mu.Lock()
		defer mu.Unlock()
		return outcomes[call]
	}
	for _, call := range []string{"take timeout", "get timeout", "get spent"} {
		for deadline := time.Now().Add(30 * time.Second); count(call) == 0 && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond) // the request does not wait for the look-up that it has no time for
		}
		if got := count(call); got != 1 {
			t.Errorf("%q: %d times, want once", call, got)
		}
	}
}

// canceled is a context for closing what need not be waited for.
func canceled(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
