package httpapi_test

import (
	"context"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/ratelimit"
)

// busyLimiter is one whose server has too much to decide.
type busyLimiter struct{}

func (busyLimiter) Take(context.Context, []ratelimit.Bucket) ratelimit.Decision {
	return ratelimit.Decision{Endpoint: "ask", Limit: 10, RetryAfter: time.Second, Source: ratelimit.SourceBusy}
}

func TestBusyServerIsNotTheCallersLimit(t *testing.T) {
	f := start(t, func(f *fixture) { f.api.Limiter = busyLimiter{} })
	got := f.call("POST", "/api/v1/ask", `{"query":"x"}`)
	code, _ := got.errorOf(t)
	if got.status != 503 || code != "overloaded" || got.header.Get("Retry-After") != "1" {
		t.Errorf("%d %s, Retry-After %q, want 503 overloaded after 1 s", got.status, code, got.header.Get("Retry-After"))
	}
	if limit := got.header.Get("X-RateLimit-Limit"); limit != "" {
		t.Errorf("X-RateLimit-Limit %q of a bucket that nobody looked at", limit)
	}
}
