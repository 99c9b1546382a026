package httpapi_test

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
	"github.com/ragservice/ragservice-operator/test/openaitest"
)

const streamed = "/api/v1/stream"

// expect asks and returns the answer, which must have that status and X-Cache.
func (f *fixture) expect(t *testing.T, path, query string, status int, xCache string, headers ...string) reply {
	t.Helper()
	got := f.call("POST", path, `{"query":`+strconv.Quote(query)+`}`, headers...)
	if got.status != status || got.header.Get("X-Cache") != xCache {
		t.Fatalf("%s %s: %d, X-Cache %q, want %d and %q: %s", path, query, got.status, got.header.Get("X-Cache"), status, xCache, got.body)
	}
	return got
}

// With cachedResponses Free, what the cache answers is taken from a bucket of its own, ten times as large.
func TestCachedResponsesThatAreFree(t *testing.T) {
	f := start(t, cached, func(f *fixture) { f.config.RateLimits.CachedFree = true })
	left := func(got reply, policy string, remaining int) {
		t.Helper()
		if p, r := got.header.Get("RateLimit-Policy"), got.header.Get("X-RateLimit-Remaining"); p != policy || r != strconv.Itoa(remaining) {
			t.Errorf("policy %s with %s left, want %s with %d", p, r, policy, remaining)
		}
	}
	left(f.expect(t, ask, "one", 200, "MISS"), `"ask";q=10;w=60`, 9)
	for n := range 100 {
		left(f.expect(t, ask, "one", 200, "HIT"), `"ask-cached";q=100;w=60`, 99-n)
	}
	left(f.expect(t, ask, "two", 200, "MISS"), `"ask";q=10;w=60`, 8)
	refused := f.expect(t, ask, "one", 429, "")
	if !strings.Contains(refused.body, `"details":{"endpoint":"ask","limit":100}`) {
		t.Errorf("refused with %s", refused.body)
	}
	if wait, _ := strconv.Atoi(refused.header.Get("Retry-After")); wait != 1 { // 100 a minute: one in 0.6 s
		t.Errorf("Retry-After %d, want 1", wait)
	}
	left(f.expect(t, search, "three", 200, "MISS"), `"search";q=60;w=60`, 59)
	left(f.expect(t, search, "three", 200, "HIT"), `"search-cached";q=600;w=60`, 599)
	left(f.expect(t, streamed, "four", 200, "MISS"), `"stream";q=5;w=60`, 4)
	left(f.expect(t, streamed, "four", 200, "HIT"), `"stream-cached";q=50;w=60`, 49)
	for range 4 {
		f.expect(t, streamed, "five"+strconv.Itoa(int(f.passed.Add(1))), 200, "MISS")
	}
	f.expect(t, streamed, "six", 429, "") // refused before its work, though the cache was looked up first
	f.config.Cache.Enabled = false
	left(f.expect(t, ask, "one", 200, "BYPASS"), `"ask";q=10;w=60`, 7)
}

// Cache-Control: no-cache has the work done anew for tiers that may, and no effect for others.
func TestNoCacheFromTiersThatMay(t *testing.T) {
	f := start(t, cached, func(f *fixture) { f.config.Cache.NoCacheTiers = []string{"premium"} })
	const premium, noCache = "X-API-Key: " + premiumKey, "Cache-Control: max-age=0, No-Cache"
	for _, path := range []string{search, ask, streamed} {
		f.expect(t, path, "x", 200, map[string]string{search: "MISS", ask: "MISS", streamed: "HIT"}[path], premium)
		f.expect(t, path, "x", 200, "HIT", premium, "Cache-Control: no-store")
		f.expect(t, path, "x", 200, "BYPASS", premium, noCache)
		f.expect(t, path, "x", 200, "HIT", premium)
	}
	f.expect(t, search, "x", 200, "MISS")
	f.expect(t, search, "x", 200, "HIT", noCache)
	f.config.Cache.NoCacheTiers = []string{"free"} // the default tier is that of callers whose tier is not known
	f.expect(t, search, "x", 200, "BYPASS", noCache)
	f.expect(t, search, "x", 200, "HIT", premium, noCache)
}

// failing is a model that can be taken down.
type failing struct {
	twoPassages
	down atomic.Bool
}

func (m *failing) Generate(ctx context.Context, p rag.Prompt, emit func(rag.Piece) error) (rag.Completion, error) {
	if m.down.Load() {
		return rag.Completion{}, rag.LLMTimedOut(time.Second, nil)
	}
	return m.twoPassages.Generate(ctx, p, emit)
}

// While the model is down an answer that has expired is served, and says so everywhere.
func TestStaleAnswersSayThatTheyAre(t *testing.T) {
	model := &failing{}
	f := start(t, cachedWith(model), func(f *fixture) { f.config.Cache.StaleIfError = config.Duration(time.Hour) })
	f.expect(t, ask, "x", 200, "MISS")
	f.passed.Store(int64(90 * time.Minute))
	model.down.Store(true)
	got := f.expect(t, ask, "x", 200, "STALE")
	if age, _ := strconv.Atoi(got.header.Get("Age")); age < 5400 || age > 5460 {
		t.Errorf("Age %d, want 90 minutes", age)
	}
	answer := got.fields(t)
	if usage, _ := answer["usage"].(map[string]any); answer["cached"] != true || usage["prompt_tokens"] != 0.0 {
		t.Errorf("cached %v, usage %v", answer["cached"], usage)
	}
	events := f.expect(t, streamed, "x", 200, "STALE")
	if !strings.Contains(events.body, `"cache":"STALE","age_seconds":54`) || !strings.Contains(events.body, "event: done\n") {
		t.Errorf("the stream does not say in meta that it is stale: %s", events.body)
	}
	if log := f.log.String(); strings.Count(log, `"event":"cache_stale"`) != 2 || !strings.Contains(log, `"code":"llm_timeout"`) {
		t.Errorf("the log has not 2 stale answers, for llm_timeout:\n%s", log)
	}
	since := f.api.Traffic.Record("acme").Total
	if diff := cmp.Diff(telemetry.Hits{Misses: 1, Stale: 2}, since.LLM.All); diff != "" {
		t.Errorf("stale answers are not counted apart (-want +counted):\n%s", diff)
	}
	f.expect(t, ask, "y", 504, "") // nothing stands in
	f.passed.Store(int64(2 * time.Hour))
	f.expect(t, ask, "x", 504, "")
}

func TestInvalidate(t *testing.T) {
	const invalidate = "/api/v1/cache/invalidate"
	f := start(t)
	var asked []rag.InvalidateRequest
	f.service.invalidate = func(_ context.Context, _ rag.Identity, r rag.InvalidateRequest) (map[rag.CacheKind]int, error) {
		asked = append(asked, r)
		return map[rag.CacheKind]int{rag.CacheLLM: 2}, nil
	}
	const admin = "X-API-Key: " + adminKey
	got := f.call("POST", invalidate, `{"kind":"llm","document_id":"guide.md","tenant":"acme","all":false}`, admin)
	if diff := cmp.Diff(parse(t, `{"unlinked":{"search":0,"embedding":0,"llm":2}}`), got.fields(t, "trace_id")); got.status != 200 || diff != "" {
		t.Errorf("%d: %s", got.status, diff)
	}
	want := []rag.InvalidateRequest{{Kind: "llm", DocumentID: "guide.md", Tenant: "acme"}}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	if log := f.log.String(); !strings.Contains(log, `"event":"cache_invalidated","trace_id"`) || !strings.Contains(log, `"scope":"document"`) {
		t.Errorf("not told in the log:\n%s", log)
	}
	for body, status := range map[string]int{
		`{}`: 422, `{"all":"yes"}`: 422, `{"knd":"llm"}`: 422, `[]`: 422, `{"all":true`: 400, `{"all":true}`: 200,
	} {
		if got := f.call("POST", invalidate, body, admin); got.status != status {
			t.Errorf("%s: %d, want %d: %s", body, got.status, status, got.body)
		}
	}
	if got := f.call("POST", invalidate, `{"all":true}`); got.status != 403 {
		t.Errorf("a client: %d, want 403", got.status)
	}
	if got := f.call("POST", invalidate, `{"tenant":"other"}`, "X-API-Key: "+tenantKey); got.status != 403 {
		t.Errorf("another tenant's administrator: %d, want 403", got.status)
	}
}

// With onUnavailable Extract a question whose model is down is answered by sentences of its passages, which is said and not kept.
func TestAnswersWithoutTheModel(t *testing.T) {
	model := &failing{}
	f := start(t, cachedWith(model), func(f *fixture) {
		f.config.LLM.Extract, f.config.Cache.StaleIfError = true, config.Duration(time.Hour)
	})
	model.down.Store(true)
	const query = "How long do results stay?"
	for range 2 {
		got := f.expect(t, ask, query, 200, "MISS").fields(t)
		if got["answer"] != "Results stay one hour. [1]" || got["model"] != "extractive" || got["cached"] != false {
			t.Errorf("%v", got)
		}
		if notice, _ := got["notice"].(string); !strings.Contains(notice, "model is unavailable") {
			t.Errorf("notice %q", notice)
		}
		if citations, _ := got["citations"].([]any); len(citations) != 1 {
			t.Errorf("citations %v", got["citations"])
		}
	}
	events := f.expect(t, streamed, query, 200, "MISS")
	if !strings.Contains(events.body, "event: citation\n") || !strings.Contains(events.body, `"model":"extractive"`) || !strings.Contains(events.body, `"notice":`) {
		t.Errorf("the stream: %s", events.body)
	}
	f.expect(t, ask, "Who sings?", 504, "") // no sentence is an answer: an outage is not told as nothing found
	if told := strings.Count(f.log.String(), `"event":"answer_extracted"`); told != 3 {
		t.Errorf("%d answers without the model are told, want 3", told)
	}
	model.down.Store(false)
	if got := f.expect(t, ask, query, 200, "MISS").fields(t); got["model"] != "m" || got["notice"] != nil {
		t.Errorf("when the model is back: %v", got)
	}
	model.down.Store(true)
	f.passed.Store(int64(90 * time.Minute))
	if got := f.expect(t, ask, query, 200, "STALE").fields(t); got["model"] != "m" {
		t.Errorf("the model's own older answer comes first: %v", got)
	}
	f.config.LLM.Extract = false
	f.expect(t, ask, "How long does it take to lose Redis?", 504, "")
}

// A model's stream ends early, in the text of the answer or in what was held back of it: an ask was told nothing, so an older answer stands in,
// and an extract where there is none. A stream was told, and ends with the error.
func TestAnAnswerThatBreaksOffIsStoodInFor(t *testing.T) {
	for name, written := range map[string]string{"a text": "Results stay one hour [1].", "after a thought": "hm</think> Results stay one hour [1]."} {
		t.Run(name, func(t *testing.T) {
			server := openaitest.New(t)
			server.Answer(func(openaitest.ChatRequest) string { return written })
			f := start(t, cachedWith(modelAt(server)), func(f *fixture) {
				f.config.LLM.Extract, f.config.Cache.StaleIfError = true, config.Duration(time.Hour)
			})
			const older, other = "How long do results stay?", "How many hours do results stay?"
			first := f.expect(t, ask, older, 200, "MISS").fields(t)
			f.passed.Store(int64(90 * time.Minute))
			server.Always(openaitest.Chat, openaitest.Behaviour{Fault: openaitest.Truncate, AfterPieces: 5})
			if got := f.expect(t, ask, older, 200, "STALE").fields(t); got["answer"] != first["answer"] {
				t.Errorf("%v, want %v", got["answer"], first["answer"])
			}
			if got := f.expect(t, ask, other, 200, "MISS").fields(t); got["model"] != "extractive" {
				t.Errorf("without an older answer: %v", got)
			}
			if got := f.call("POST", streamed, `{"query":"`+other+`"}`); !strings.Contains(got.body, "event: error\n") {
				t.Errorf("a stream: %s", got.body)
			}
		})
	}
}

// What an answer cost is told once; what the cache has saved of it is counted.
func TestCostAndSavings(t *testing.T) {
	f := start(t, cached, func(f *fixture) {
		f.config.LLM.Pricing = config.LLMPricing{PromptUSDPerMillion: 100_000, CompletionUSDPerMillion: 1_000_000}
	})
	usage := func(got reply) map[string]any {
		t.Helper()
		told, _ := got.fields(t)["usage"].(map[string]any)
		return told
	}
	first := map[string]any{"prompt_tokens": 30.0, "completion_tokens": 12.0, "cost_usd": 15.0} // 30 at 0.1, 12 at 1
	if diff := cmp.Diff(first, usage(f.expect(t, ask, "x", 200, "MISS"))); diff != "" {
		t.Errorf("the first (-want +got):\n%s", diff)
	}
	for range 2 {
		none := map[string]any{"prompt_tokens": 0.0, "completion_tokens": 0.0, "cost_usd": 0.0}
		if diff := cmp.Diff(none, usage(f.expect(t, ask, "x", 200, "HIT"))); diff != "" {
			t.Errorf("from the cache (-want +got):\n%s", diff)
		}
	}
	f.expect(t, streamed, "x", 200, "HIT")
	since := f.api.Traffic.Record("acme").Total
	if diff := cmp.Diff(telemetry.Savings{PromptTokens: 90, CompletionTokens: 36, CostUSD: 45}, since.LLM.Saved); diff != "" {
		t.Errorf("saved (-want +got):\n%s", diff)
	}
	var metrics strings.Builder
	writeMetrics(t, f, &metrics)
	for _, want := range []string{
		`ragservice_cache_saved_tokens_total{gen_ai_request_model="m",gen_ai_token_type="input"} 90`, `ragservice_cache_saved_usd_total{gen_ai_request_model="m"} 45`,
	} {
		if !strings.Contains(metrics.String(), want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
}
