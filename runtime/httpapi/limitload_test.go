package httpapi_test

import (
	"context"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/ratelimit"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/admissions"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// loaded are servers of one service, and what their clients saw of one caller's bucket.
type loaded struct {
	began time.Time
	// answers counts the answers of each server, by source of the decision and status.
	answers [3]answerCounts

	mu              sync.Mutex
	admitted, alone []admissions.Span
}

type answerCounts struct{ redis, local, ok, refused, busy atomic.Int64 }

func (l *loaded) now() time.Duration { return time.Since(l.began) }

// watched is a limiter of a server that tells which decisions were made without Redis: clients cannot see that.
type watched struct {
	*ratelimit.Limiter
	load   *loaded
	counts *answerCounts
}

func (w watched) Take(ctx context.Context, buckets []ratelimit.Bucket) ratelimit.Decision {
	begin := w.load.now()
	d := w.Limiter.Take(ctx, buckets)
	switch d.Source {
	case ratelimit.SourceRedis:
		w.counts.redis.Add(1)
	case ratelimit.SourceLocal:
		w.counts.local.Add(1)
		w.load.mu.Lock()
		defer w.load.mu.Unlock()
		w.load.alone = append(w.load.alone, admissions.Span{Begin: begin, End: w.load.now()})
	default:
	}
	return d
}

// check checks an answer, and keeps it when the request was admitted.
func (l *loaded) check(t *testing.T, server int, begin time.Duration, got reply) {
	counts, header := &l.answers[server], got.header
	left, err := strconv.Atoi(header.Get("X-RateLimit-Remaining"))
	limited := err == nil && left >= 0 && header.Get("X-RateLimit-Limit") == "600" && header.Get("RateLimit-Policy") == `"ask";q=600;w=60`
	wait, _ := strconv.Atoi(header.Get("Retry-After"))
	good := false
	switch got.status {
	case http.StatusOK:
		good = limited && header.Get("Retry-After") == ""
		counts.ok.Add(1)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.admitted = append(l.admitted, admissions.Span{Begin: begin, End: l.now()})
	case http.StatusTooManyRequests:
		good = limited && left == 0 && wait == 1 // 0.1 s, at most 0.3 s for the share of a server, rounded up
		counts.refused.Add(1)
	case http.StatusServiceUnavailable:
		good = wait == 1 && header.Get("X-RateLimit-Limit") == ""
		counts.busy.Add(1)
	}
	if !good {
		t.Errorf("%d, Retry-After %q, %v: %s", got.status, header.Get("Retry-After"), header, got.body)
	}
}

// TestAnswersKeepTheInvariant has clients ask three servers while their Redis crashes and comes back without its data: 30 clients, or
// RAGSERVICE_LIMITS_CLIENTS.
func TestAnswersKeepTheInvariant(t *testing.T) {
	t.Parallel()
	const perMinute, burst, requestsPerSecond = 600, 30, 600
	clients := 30
	if n, err := strconv.Atoi(os.Getenv("RAGSERVICE_LIMITS_CLIENTS")); err == nil {
		clients = n
	}
	store := backends.Redis(t)
	l := &loaded{began: time.Now()}
	servers := make([]*fixture, len(l.answers))
	for n := range servers {
		guard := resilience.NewRedis(resilience.RedisOptions{Address: store.Addr()})
		t.Cleanup(func() { _ = guard.Close() })
		servers[n] = start(t, func(f *fixture) {
			f.config.RateLimits.Limits = []config.Limit{{Endpoint: "ask", Tier: "free", RequestsPerMinute: perMinute, Burst: burst, Cost: 1}}
			service := func() config.Service {
				return config.Service{Namespace: "default", Name: "docs", Replicas: len(servers)}
			}
			f.api.Limiter = watched{ratelimit.New(ratelimit.Options{Redis: guard, Service: service}), l, &l.answers[n]}
		})
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	for n := range clients {
		server := n % len(servers)
		running.Go(func() {
			for ; ctx.Err() == nil; time.Sleep(time.Duration(clients) * time.Second / requestsPerSecond) {
				begin := l.now()
				if got, err := askAt(t.Context(), client, servers[server].url); err == nil {
					l.check(t, server, begin, got)
				} else {
					t.Error(err)
				}
			}
		})
	}
	l.awaitAll(t, func(c *answerCounts) *atomic.Int64 { return &c.redis })
	lost := admissions.Span{Begin: l.now()}
	store.Kill()
	l.awaitAll(t, func(c *answerCounts) *atomic.Int64 { return &c.local })
	store.Restart()
	lost.End = l.now()
	l.awaitAll(t, func(c *answerCounts) *atomic.Int64 { return &c.redis })
	stop()
	running.Wait()
	client.CloseIdleConnections()

	share := burst / len(servers)
	v := admissions.Invariant{
		Burst: burst, Rate: perMinute / 60, Losses: []admissions.Span{lost}, Alone: l.alone,
		ShareBurst: float64(share * len(servers)), ShareRate: perMinute / 60,
	}
	windows, overrun := v.Overrun(l.admitted)
	if overrun != "" {
		t.Error(overrun)
	}
	for n := range l.answers {
		c := &l.answers[n]
		t.Logf("server %d: %d x 200, %d x 429, %d x 503; %d decided by Redis, %d alone",
			n, c.ok.Load(), c.refused.Load(), c.busy.Load(), c.redis.Load(), c.local.Load())
	}
	t.Logf("%v, %d windows", l.now(), windows)
}

// awaitAll waits until each server has admitted and refused some requests, and decided as many in a way.
func (l *loaded) awaitAll(t *testing.T, decided func(*answerCounts) *atomic.Int64) {
	t.Helper()
	for n := range l.answers {
		c := &l.answers[n]
		for _, count := range []*atomic.Int64{decided(c), &c.ok, &c.refused} {
			want, deadline := count.Load()+5, time.Now().Add(30*time.Second)
			for ; count.Load() < want; time.Sleep(time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("server %d: %+v", n, c)
				}
			}
		}
	}
}

func askAt(ctx context.Context, client *http.Client, url string) (reply, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+ask, strings.NewReader(`{"query":"x"}`))
	if err != nil {
		return reply{}, err
	}
	r.Header.Set("X-API-Key", clientKey)
	r.Header.Set("Content-Type", "application/json")
	return send(client, r)
}
