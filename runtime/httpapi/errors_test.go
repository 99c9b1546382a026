package httpapi_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

func TestErrorsOfTheService(t *testing.T) {
	const secret = "10.0.0.7:9200"
	wrapped := errors.New("dial " + secret)
	tests := map[string]struct {
		err    error
		status int
		body   string
		retry  string
	}{
		"search timeout": {
			&rag.Error{Kind: rag.ErrSearchTimeout, Message: "The search timed out after 5 seconds", Details: map[string]any{"timeout_seconds": 5},
				Cause: wrapped},
			504, `{"error":{"code":"search_timeout","message":"The search timed out after 5 seconds","details":{"query":"x","timeout_seconds":5}}}`, "",
		},
		"search unavailable": {
			&rag.Error{Kind: rag.ErrSearchUnavailable, Message: "The search engine does not answer", Cause: wrapped},
			503, `{"error":{"code":"search_unavailable","message":"The search engine does not answer","details":{"query":"x"}}}`, "5",
		},
		"with advice": {
			&rag.Error{Kind: rag.ErrLLMUnavailable, Message: "m", RetryAfter: 29100 * time.Millisecond},
			503, `{"error":{"code":"llm_unavailable","message":"m","details":{"query":"x"}}}`, "30",
		},
		"llm timeout": {
			&rag.Error{Kind: rag.ErrLLMTimeout, Message: "LLM service timed out after 30 seconds", Details: map[string]any{"timeout_seconds": 30}},
			504, `{"error":{"code":"llm_timeout","message":"LLM service timed out after 30 seconds","details":{"query":"x","timeout_seconds":30}}}`, "",
		},
		"bad answer of the model": {
			&rag.Error{Kind: rag.ErrLLMBadAnswer, Message: "m", Cause: wrapped}, 502,
			`{"error":{"code":"bad_upstream_answer","message":"m","details":{"query":"x"}}}`, "",
		},
		"unknown": {wrapped, 500, `{"error":{"code":"internal","message":"an internal error occurred"}}`, ""},
		"a kind without a status": {
			&rag.Error{Kind: rag.ErrSearch, Message: secret, Details: map[string]any{"at": secret}}, 500,
			`{"error":{"code":"internal","message":"an internal error occurred"}}`, "",
		},
		"details that are no JSON": {
			&rag.Error{Kind: rag.ErrLLMUnavailable, Message: "m", Details: map[string]any{"n": math.NaN()}}, 503,
			`{"error":{"code":"llm_unavailable","message":"m"}}`, "5",
		},
		"deadline of the request": {context.DeadlineExceeded, 503, `{"error":{"code":"overloaded","message":"the request took too long"}}`, "5"},
		"joined": {errors.Join(wrapped, &rag.Error{Kind: rag.ErrForbidden, Message: "m"}), 403,
			`{"error":{"code":"forbidden","message":"m"}}`, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := start(t)
			f.service.ask = func(context.Context, rag.Identity, rag.AskRequest) (rag.Answer, error) { return rag.Answer{}, tt.err }
			got := f.call("POST", ask, `{"query":"x"}`)
			if got.status != tt.status || got.header.Get("Retry-After") != tt.retry {
				t.Errorf("%d, Retry-After %q", got.status, got.header.Get("Retry-After"))
			}
			if diff := cmp.Diff(parse(t, tt.body), got.fields(t)); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(got.body, secret) {
				t.Error("the inside is in the answer")
			}
			if got.header.Get("X-RateLimit-Remaining") != "9" {
				t.Error("a request that was admitted must say what is left")
			}
			if got.header.Get("X-Cache") != "" {
				t.Error("an error tells of a cache")
			}
		})
	}
}

func TestAnswersThatAreNoJSON(t *testing.T) {
	f := start(t)
	f.service.search = func(context.Context, rag.Identity, rag.SearchRequest) (rag.SearchResult, error) {
		return rag.SearchResult{Retrieval: rag.Retrieval{Hits: []rag.Hit{{Score: math.Inf(1)}}}}, nil
	}
	if got := f.call("POST", search, `{"query":"x"}`); got.status != 500 {
		t.Errorf("%d %s", got.status, got.body)
	}
}
