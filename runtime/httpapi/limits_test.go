package httpapi_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/ratelimit"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/backends"
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

// A request takes from its caller's bucket, its tenant's and that of all, or from none; the tightest speaks.
func TestLimitsThatCallersShare(t *testing.T) {
	f := start(t, func(f *fixture) { f.config.RateLimits.TenantPerMinute, f.config.RateLimits.ServicePerMinute = 3, 5 })
	const acme, root, bob = "X-API-Key: " + tenantKey, "X-API-Key: " + adminKey, "X-API-Key: " + premiumKey
	for _, step := range []struct {
		key    string
		status int
		policy string
		left   string
		says   string
	}{
		{"X-API-Key: " + clientKey, 200, `"tenant";q=3;w=60`, "2", ""},
		{acme, 200, `"tenant";q=3;w=60`, "1", ""},
		{acme, 200, `"tenant";q=3;w=60`, "0", ""},
		{"X-API-Key: " + clientKey, 429, `"tenant";q=3;w=60`, "0", "Rate limit of 3 requests per minute for the tenant exceeded"},
		{bob, 200, `"service";q=5;w=60`, "1", ""}, // the refused one took nothing
		{root, 200, `"service";q=5;w=60`, "0", ""},
		{bob, 429, `"service";q=5;w=60`, "0", "Rate limit of 5 requests per minute for all callers exceeded"},
	} {
		got := f.call("POST", search, `{"query":"x"}`, step.key)
		policy, left := got.header.Get("RateLimit-Policy"), got.header.Get("X-RateLimit-Remaining")
		if got.status != step.status || policy != step.policy || left != step.left || !strings.Contains(got.body, step.says) {
			t.Errorf("%d, policy %s, %s left, want %+v: %s", got.status, policy, left, step, got.body)
		}
	}
	if got := f.call("GET", "/api/v1/stats", "", bob); got.status != 200 {
		t.Errorf("an endpoint without a limit: %d", got.status)
	}
}

// In shadow a request over its limit is told and admitted.
func TestLimitsInShadow(t *testing.T) {
	f := start(t, func(f *fixture) { f.config.RateLimits.Shadow = true })
	for n := range 12 {
		got := f.call("POST", ask, `{"query":"x"}`)
		if left := got.header.Get("X-RateLimit-Remaining"); got.status != 200 || left != strconv.Itoa(max(0, 9-n)) || got.header.Get("Retry-After") != "" {
			t.Errorf("request %d: %d with %s left", n, got.status, left)
		}
	}
	if told := strings.Count(f.log.String(), `"event":"limit_shadowed"`); told != 2 {
		t.Errorf("%d requests over the limit are told, want 2", told)
	}
	var metrics strings.Builder
	writeMetrics(t, f, &metrics)
	if want := `ragservice_ratelimit_decisions_total{decision="shadowed",endpoint="ask",source="local",tier="free"} 2`; !strings.Contains(metrics.String(), want) {
		t.Errorf("no %s in the metrics", want)
	}
}

func writeMetrics(t *testing.T, f *fixture, into *strings.Builder) {
	t.Helper()
	w := httptest.NewRecorder()
	f.api.Metrics.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	into.WriteString(w.Body.String())
}

// lostLimiter has lost Redis and decides without a bucket.
type lostLimiter struct{ allow bool }

func (l lostLimiter) Take(context.Context, []ratelimit.Bucket) ratelimit.Decision {
	return ratelimit.Decision{Endpoint: "ask", Limit: 10, Allowed: l.allow, RetryAfter: time.Second, Source: ratelimit.SourceNone}
}

func TestLimitsWithoutTheirStore(t *testing.T) {
	for allow, status := range map[bool]int{true: 200, false: 503} {
		f := start(t, func(f *fixture) { f.api.Limiter = lostLimiter{allow} })
		got := f.call("POST", ask, `{"query":"x"}`)
		if got.status != status || got.header.Get("X-RateLimit-Limit") != "" {
			t.Errorf("allow %t: %d with limit %q, want %d and none", allow, got.status, got.header.Get("X-RateLimit-Limit"), status)
		}
		if code := got.header.Get("Retry-After"); !allow && code != "1" {
			t.Errorf("Retry-After %q, want 1", code)
		}
	}
}

// At the moment that Retry-After tells, the request is admitted, when no other took from the bucket: in Redis, in both modes.
func TestRetryAfterIsTrue(t *testing.T) {
	t.Parallel()
	for _, whole := range []bool{false, true} {
		t.Run(map[bool]string{false: "continuous", true: "whole tokens"}[whole], func(t *testing.T) {
			t.Parallel()
			server := backends.Redis(t)
			r := resilience.NewRedis(resilience.RedisOptions{Address: server.Addr(), Timeout: 30 * time.Second})
			t.Cleanup(func() { _ = r.Close() })
			f := start(t, func(f *fixture) {
				f.config.RateLimits.WholeTokens = whole
				f.config.RateLimits.Limits = []config.Limit{{Endpoint: "ask", Tier: "free", RequestsPerMinute: 40, Burst: 2, Cost: 1}}
				f.api.Limiter = ratelimit.New(ratelimit.Options{Redis: r, Service: func() config.Service { return config.Service{Replicas: 1} }})
			})
			for range 3 {
				var refused reply
				for refused = f.call("POST", ask, `{"query":"x"}`); refused.status == 200 || refused.status == 503; { // 503: the machine is busy
					refused = f.call("POST", ask, `{"query":"x"}`)
				}
				wait, err := strconv.Atoi(refused.header.Get("Retry-After"))
				if refused.status != 429 || err != nil || wait < 1 || wait > 2 {
					t.Fatalf("%d, Retry-After %q, want 429 and 1 or 2 s", refused.status, refused.header.Get("Retry-After"))
				}
				time.Sleep(time.Duration(wait) * time.Second)
				got := f.call("POST", ask, `{"query":"x"}`)
				for tries := 0; got.status == 503 && tries < 50; tries++ { // the machine is busy: nothing was decided, and nothing taken
					got = f.call("POST", ask, `{"query":"x"}`)
				}
				if got.status != 200 {
					t.Errorf("after %d s: %d", wait, got.status)
				}
			}
		})
	}
}
