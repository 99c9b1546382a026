package httpapi_test

import (
	"context"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// fields decodes an answer and takes out what differs from run to run, such as the trace that an error names.
func (r reply) fields(t *testing.T, volatile ...string) map[string]any {
	t.Helper()
	var m map[string]any
	r.decode(t, &m)
	for _, v := range volatile {
		if _, ok := m[v]; !ok {
			t.Errorf("no %s in %s", v, r.body)
		}
		delete(m, v)
	}
	if e, ok := m["error"].(map[string]any); ok {
		if trace, _ := e["trace_id"].(string); len(trace) != 32 || r.header != nil && !strings.Contains(r.header.Get("Traceparent"), trace) {
			t.Errorf("trace_id %q in %s", trace, r.body)
		}
		delete(e, "trace_id")
	}
	return m
}

// parse is JSON as decode sees it.
func parse(t *testing.T, data string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(data), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSearch(t *testing.T) {
	f := start(t)
	var got rag.SearchRequest
	var id rag.Identity
	good := f.service.search
	f.service.search = func(ctx context.Context, i rag.Identity, r rag.SearchRequest) (rag.SearchResult, error) {
		got, id = r, i
		return good(ctx, i, r)
	}
	answer := f.call("POST", search, `{"query":"What is \"attention\"? \ud83d\ude00 \\ud83d","top_k":3,"offset":2,"use_hybrid":false,
		"filter":{"year":"2017","kind":["a","b"]},"min_score":0.5,"mode":null}`)
	if answer.status != 200 {
		t.Fatal(answer.body)
	}
	three, no, half := 3, false, 0.5
	want := rag.SearchRequest{
		Query: `What is "attention"? 😀 \ud83d`, TopK: &three, Offset: 2, UseHybrid: &no, MinScore: &half,
		Filter: rag.Filter{"year": {"2017"}, "kind": {"a", "b"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(rag.Identity{Name: "key:alice", Tier: "free", Tenant: "acme", Role: rag.RoleClient}, id); diff != "" {
		t.Error(diff)
	}
	body := answer.fields(t, "took_ms", "trace_id", "query")
	wantBody := parse(t, `{"total":1,"search_mode":"keyword","hits":[{"chunk_id":"a#0","document_id":"a","title":"A",
		"text":"Attention <b>is</b> all.","score":1.5,"span":{"start":0,"end":24}}]}`)
	if diff := cmp.Diff(wantBody, body); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(answer.body, "<b>") {
		t.Error("text was escaped for HTML")
	}
}

func TestAsk(t *testing.T) {
	f := start(t)
	answer := f.call("POST", ask, `{"query":"x","model":"extractive","temperature":0,"max_tokens":10}`)
	want := parse(t, `{"query":"x","answer":"Attention [1].","sources":["a"],"chunks_used":1,"search_mode":"keyword","model":"extractive",
		"usage":{"prompt_tokens":3,"completion_tokens":2,"cost_usd":0},"cached":false,"finish_reason":"stop","citations":[
		{"marker":1,"chunk_id":"a#0","document_id":"a","title":"A","score":1.5,"span":{"start":0,"end":9},"quote":"Attention"}]}`)
	if diff := cmp.Diff(want, answer.fields(t, "trace_id")); diff != "" {
		t.Error(diff)
	}
}

// TestEmptyAnswers: lists are [] and never null.
func TestEmptyAnswers(t *testing.T) {
	f := start(t)
	f.service.search = func(context.Context, rag.Identity, rag.SearchRequest) (rag.SearchResult, error) {
		return rag.SearchResult{Query: "x", Retrieval: rag.Retrieval{Mode: rag.ModeHybrid, Degraded: true}}, nil
	}
	f.service.ask = func(context.Context, rag.Identity, rag.AskRequest) (rag.Answer, error) { return rag.Answer{}, nil }
	got := f.call("POST", search, `{"query":"x"}`)
	if !strings.Contains(got.body, `"hits":[]`) || !strings.Contains(got.body, `"search_mode":"hybrid (degraded)"`) {
		t.Error(got.body)
	}
	got = f.call("POST", ask, `{"query":"x"}`)
	if !strings.Contains(got.body, `"citations":[]`) || !strings.Contains(got.body, `"sources":[]`) {
		t.Error(got.body)
	}
}

func TestHeaders(t *testing.T) {
	f := start(t)
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	got := f.call("POST", search, `{"query":"x"}`, "X-Request-Id: order-66", "Traceparent: 00-"+trace+"-00f067aa0ba902b7-01")
	if got.header.Get("X-Request-Id") != "order-66" || !strings.HasPrefix(got.header.Get("Traceparent"), "00-"+trace) ||
		!strings.Contains(got.body, trace) {
		t.Errorf("%v %s", got.header, got.body)
	}
	if got.header.Get("X-Cache") != "MISS" || got.header.Get("Age") != "" {
		t.Errorf("%v", got.header)
	}
	got = f.call("POST", search, `{"query":"x"}`, "X-Request-Id: two words")
	if id := got.header.Get("X-Request-Id"); !regexp.MustCompile(`^[0-9a-f-]{36}$`).MatchString(id) {
		t.Errorf("X-Request-Id = %q", id)
	}
	f.service.ask = func(context.Context, rag.Identity, rag.AskRequest) (rag.Answer, error) {
		return rag.Answer{Cached: true, Cache: hit}, nil
	}
	got = f.call("POST", ask, `{"query":"x"}`)
	if got.header.Get("X-Cache") != "HIT" || got.header.Get("Age") != "42" || !strings.Contains(got.body, `"cached":true`) {
		t.Errorf("%v %s", got.header, got.body)
	}
}

func TestLimits(t *testing.T) {
	f := start(t)
	for left := 9; left >= 0; left-- {
		got := f.call("POST", ask, `{"query":"x"}`)
		if got.status != 200 || got.header.Get("X-RateLimit-Remaining") != strconv.Itoa(left) {
			t.Fatalf("%d with %s left, want %d", got.status, got.header.Get("X-RateLimit-Remaining"), left)
		}
	}
	got := f.call("POST", ask, `{"query":"x"}`)
	if got.status != 429 {
		t.Fatal(got.status)
	}
	retryAfter, err := strconv.Atoi(got.header.Get("Retry-After"))
	if err != nil || retryAfter < 1 || retryAfter > 6 {
		t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
	}
	want := parse(t, `{"error":{"code":"rate_limit_exceeded","message":"Rate limit of 10 requests per minute exceeded","details":{"limit":10,"endpoint":"ask"}},
		"message":"Rate limit of 10 requests per minute exceeded","retry_after":`+strconv.Itoa(retryAfter)+`}`)
	if diff := cmp.Diff(want, got.fields(t)); diff != "" {
		t.Error(diff)
	}
	for name, pattern := range map[string]string{
		"X-RateLimit-Limit": `^10$`, "X-RateLimit-Remaining": `^0$`, "X-RateLimit-Reset": `^\d{10}$`,
		"RateLimit-Policy": `^"ask";q=10;w=60$`, "RateLimit": `^"ask";r=0;t=(59|60)$`,
	} {
		if !regexp.MustCompile(pattern).MatchString(got.header.Get(name)) {
			t.Errorf("%s: %q, want %s", name, got.header.Get(name), pattern)
		}
	}
	reset, _ := strconv.ParseInt(got.header.Get("X-RateLimit-Reset"), 10, 64)
	if in := time.Until(time.Unix(reset, 0)); in < 50*time.Second || in > 61*time.Second {
		t.Errorf("full in %s", in)
	}
	if got := f.call("POST", ask, `{"query":"x"}`, "X-API-Key: "+premiumKey); got.status != 200 || got.header.Get("X-RateLimit-Limit") != "100" {
		t.Errorf("another caller: %d, limit %s", got.status, got.header.Get("X-RateLimit-Limit"))
	}
	if got := f.call("GET", "/api/v1/stats", ""); got.header.Get("X-RateLimit-Limit") != "" {
		t.Error("an endpoint without a limit is limited")
	}
}

func TestStats(t *testing.T) {
	f := start(t)
	f.call("POST", search, `{"query":"x"}`)
	for _, layer := range []string{"local", "redis"} {
		f.service.search = func(context.Context, rag.Identity, rag.SearchRequest) (rag.SearchResult, error) {
			return rag.SearchResult{Retrieval: rag.Retrieval{Cache: rag.CacheInfo{Outcome: rag.CacheHit, Layer: layer}}}, nil
		}
		f.call("POST", search, `{"query":"x"}`)
	}
	f.call("POST", ask, `{"query":"x"}`, "X-API-Key: "+premiumKey) // another tenant
	f.service.ask = func(context.Context, rag.Identity, rag.AskRequest) (rag.Answer, error) {
		return rag.Answer{}, &rag.Error{Kind: rag.ErrLLMUnavailable, Message: "no"}
	}
	f.call("POST", ask, `{"query":"x"}`)
	f.call("POST", ask, `{}`)
	layer := func(name, rates string) string {
		return `{"layer":"` + name + `",` + rates + `,"saved":` + nothingSaved + `}`
	}
	const none = `"hits":0,"misses":0,"stale":0,"hit_rate_percent":null`
	figures := `{"seconds":0,"requests":5,"errors":1,"cache":{"hits":2,"misses":1,"stale":0,"hit_rate_percent":66.7,"by_kind":[
		{"kind":"search","hits":2,"misses":1,"stale":0,"hit_rate_percent":66.7,"saved":` + nothingSaved + `,"by_layer":[` +
		layer("local", `"hits":1,"misses":2,"stale":0,"hit_rate_percent":33.3`) + `,` +
		layer("coalesced", `"hits":0,"misses":2,"stale":0,"hit_rate_percent":0`) + `,` +
		layer("redis", `"hits":1,"misses":1,"stale":0,"hit_rate_percent":50`) + `]},
		{"kind":"llm",` + none + `,"saved":` + nothingSaved + `,"by_layer":[` +
		layer("local", none) + `,` + layer("coalesced", none) + `,` + layer("redis", none) + `]}],"saved":` + nothingSaved + `},
		"feedback":{"positive":0,"neutral":0,"negative":0,"mean_score":null}}`
	want := parse(t, `{"scope":"replica","replica":"server-0","replicas":{"running":1,"ended":0,"complete":true},"tenant":"acme","documents":null,
		"since_start":`+figures+`,"last_5_minutes":`+figures+`,"budgets":[],"top_queries":null}`)
	got := f.call("GET", "/api/v1/stats", "").fields(t)
	for _, length := range []string{"since_start", "last_5_minutes"} {
		got[length].(map[string]any)["seconds"] = 0.0
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	asked := f.call("GET", "/api/v1/stats?scope=service", "", "X-API-Key: "+tenantKey).fields(t)
	if asked["documents"] != 7.0 || asked["scope"] != "service" {
		t.Errorf("an administrator is told of %v documents, want 7: %v", asked["documents"], asked)
	}
	queries := []any{map[string]any{"query_hash": f.api.Hasher.Query("x"), "count": 4.0, "count_error": 0.0}}
	if diff := cmp.Diff(map[string]any{"since_start": queries, "last_hour": queries}, asked["top_queries"]); diff != "" {
		t.Errorf("top queries: %s", diff)
	}
}

const nothingSaved = `{"prompt_tokens":0,"completion_tokens":0,"cost_usd":0}`

// While the store is down the figures are wanted most.
func TestStatsWhileTheStoreIsDown(t *testing.T) {
	f := start(t)
	f.service.count = func(context.Context, rag.Identity) (int, error) {
		return 0, &rag.Error{Kind: rag.ErrSearchUnavailable, Message: "down"}
	}
	got := f.call("GET", "/api/v1/stats", "", "X-API-Key: "+tenantKey)
	if documents, told := got.fields(t)["documents"]; got.status != 200 || !told || documents != nil {
		t.Errorf("%d with documents %v, want 200 with null", got.status, documents)
	}
}

func TestDocumentRoutes(t *testing.T) {
	f := start(t)
	var asked []string
	get := f.service.document
	f.service.document = func(ctx context.Context, id rag.Identity, documentID string) (rag.ChunkedDocument, error) {
		asked = append(asked, id.Tenant+" "+documentID)
		return get(ctx, id, documentID)
	}
	got := f.call("GET", documents+"/docs%2Fa:1.md", "", asAdmin)
	want := parse(t, `{"id":"docs/a:1.md","title":"A","text":"Attention <b>is</b> all.","chunks":[{"chunk_id":"a#0","text":"Attention <b>is</b> all.","span":{"start":0,"end":24}}]}`)
	if diff := cmp.Diff(want, got.fields(t)); diff != "" || got.status != 200 {
		t.Errorf("%d %s", got.status, diff)
	}
	f.call("GET", documents+"/a?tenant=acme", "", asAdmin)
	f.call("GET", documents+"/a", "", "X-API-Key: "+tenantKey)
	if diff := cmp.Diff([]string{"default docs/a:1.md", "acme a", "acme a"}, asked); diff != "" {
		t.Error(diff)
	}
	if got := f.call("DELETE", documents+"/a", "", asAdmin); got.status != 204 || got.body != "" {
		t.Errorf("%d %q", got.status, got.body)
	}
	f.service.remove = func(context.Context, rag.Identity, string) error {
		return &rag.Error{Kind: rag.ErrPaperNotFound, Message: "no document has this id"}
	}
	got = f.call("DELETE", documents+"/a", "", asAdmin)
	if code, _ := got.errorOf(t); got.status != 404 || code != "paper_not_found" {
		t.Errorf("%d %s", got.status, code)
	}
}
