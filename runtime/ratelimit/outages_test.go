package ratelimit_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/ratelimit"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/backends"
)

const (
	servers = 3
	// pace is the wait of a client between two requests. It bounds the load; nothing depends on it.
	pace = 5 * time.Millisecond
	// leaseLife is how early a request may have left a bucket that is leased, as docs/rate-limits.md says.
	leaseLife = 100 * time.Millisecond
)

// admission is a request that a server admitted.
type admission struct {
	span
	server int
	source ratelimit.Source
}

// decided is a kind of decision: of requests that take from a bucket first.
type decided struct {
	bucket  string
	server  int
	source  ratelimit.Source
	allowed bool
}

// history is all that was admitted from each bucket.
type history struct {
	began time.Time

	mu       sync.Mutex
	admitted map[string][]admission
	counts   map[decided]int
}

func (h *history) now() time.Duration { return time.Since(h.began) }

func (h *history) add(buckets []ratelimit.Bucket, d ratelimit.Decision, a admission) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counts[decided{buckets[0].Name, a.server, d.Source, d.Allowed}]++
	if !d.Allowed {
		return
	}
	for _, b := range buckets {
		h.admitted[b.Name] = append(h.admitted[b.Name], a)
	}
}

func (h *history) count(of decided) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.counts[of]
}

// awaitAll waits until source has, from here on, admitted some requests at each server, and refused some of each bucket there.
func (h *history) awaitAll(t *testing.T, source ratelimit.Source) {
	t.Helper()
	want := map[decided]int{}
	kinds, _ := requests()
	for server := range servers {
		for _, buckets := range kinds {
			refused := decided{buckets[0].Name, server, source, false}
			want[refused] = h.count(refused) + 1
		}
		admitted := decided{"continuous", server, source, true}
		want[admitted] = h.count(admitted) + 3 // about a second
	}
	for kind, n := range want {
		until(t, fmt.Sprintf("%+v", kind), func() bool { return h.count(kind) >= n })
	}
}

// requests are what clients send, and each bucket's limit by its name.
func requests() (kinds [][]ratelimit.Bucket, limits map[string]config.Limit) {
	bucket := func(name, endpoint string, perMinute, burst int, whole bool) ratelimit.Bucket {
		return ratelimit.Bucket{Name: name, Limit: config.Limit{
			Endpoint: endpoint, Tier: "free", RequestsPerMinute: perMinute, Burst: burst, Cost: 1, WholeTokens: whole,
		}}
	}
	tenant := bucket("tenant", "tenant", 900, 15, false)
	kinds = [][]ratelimit.Bucket{
		{bucket("continuous", "ask", 600, 20, false)},
		{bucket("whole", "ask", 600, 20, true)},
		{bucket("leased", "search", 60, 1000, false)},
		{bucket("alice", "ask", 600, 30, false), tenant},
		{bucket("bob", "ask", 600, 30, false), tenant},
	}
	limits = map[string]config.Limit{}
	for _, buckets := range kinds {
		for _, b := range buckets {
			limits[b.Name] = b.Limit
		}
	}
	return kinds, limits
}

// load has clients send requests to all servers until the test ends. The clocks of the servers are an hour apart.
func load(t *testing.T, server *backends.RedisServer) *history {
	t.Helper()
	h := &history{began: time.Now(), admitted: map[string][]admission{}, counts: map[decided]int{}}
	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	kinds, _ := requests()
	for n := range servers {
		guard := resilience.NewRedis(resilience.RedisOptions{Address: server.Addr()})
		t.Cleanup(func() { _ = guard.Close() })
		skew := time.Duration(n-1) * time.Hour
		l := ratelimit.New(ratelimit.Options{
			Redis: guard, Service: replicas(servers), Now: func() time.Time { return time.Now().Add(skew) },
		})
		for _, buckets := range kinds {
			for range 2 {
				clients.Go(func() {
					for ; ctx.Err() == nil; time.Sleep(pace) {
						begin := h.now()
						d := l.Take(resilience.WithRedisBudget(t.Context()), buckets)
						h.add(buckets, d, admission{span{begin, h.now()}, n, d.Source})
					}
				})
			}
		}
	}
	t.Cleanup(func() { stop(); clients.Wait() }) // before the guards are closed
	return h
}

// TestAdmissionsKeepTheInvariant has servers admit what they can while Redis is paused, killed and restarted with its data, and without,
// and checks what they admitted.
func TestAdmissionsKeepTheInvariant(t *testing.T) {
	t.Parallel()
	// What was answered is on the disk: a crash loses nothing but when its files go too.
	server := backends.Redis(t, "--appendonly", "yes", "--appendfsync", "always")
	h := load(t, server)
	var losses []span
	h.awaitAll(t, ratelimit.SourceRedis)
	for range 2 {
		server.Pause()
		h.awaitAll(t, ratelimit.SourceLocal)
		server.Resume()
		h.awaitAll(t, ratelimit.SourceRedis)

		server.Kill()
		h.awaitAll(t, ratelimit.SourceLocal)
		server.Restart()
		h.awaitAll(t, ratelimit.SourceRedis)

		lost := span{begin: h.now()}
		server.Kill()
		if err := os.RemoveAll(filepath.Join(server.Dir(), "appendonlydir")); err != nil {
			t.Fatal(err)
		}
		server.Restart()
		lost.end = h.now()
		losses = append(losses, lost)
		h.awaitAll(t, ratelimit.SourceRedis)
	}
	h.check(t, losses)
}

// check checks the history of each bucket as a whole, that of the bucket in Redis, and that of each server's share of it.
func (h *history) check(t *testing.T, losses []span) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	_, limits := requests()
	for name, limit := range limits {
		inRedis := invariant{burst: float64(limit.Burst), rate: float64(limit.RequestsPerMinute) / 60, losses: losses}
		if limit.Burst >= 1000 {
			inRedis.early = leaseLife
		}
		share := invariant{burst: float64(limit.Burst / servers), rate: inRedis.rate / servers}
		all := inRedis
		all.shareBurst, all.shareRate = servers*share.burst, servers*share.rate
		var total, redis []span
		var local [servers][]span
		for _, a := range h.admitted[name] {
			total = append(total, a.span)
			switch a.source {
			case ratelimit.SourceRedis, ratelimit.SourceLease:
				redis = append(redis, a.span)
			case ratelimit.SourceLocal:
				all.alone = append(all.alone, a.span)
				local[a.server] = append(local[a.server], a.span)
			default:
				t.Errorf("%s: admitted by %q", name, a.source)
			}
		}
		t.Logf("%s: %d admitted, %d by redis, %d alone", name, len(total), len(redis), len(all.alone))
		tell(t, name, all.overrun(total))
		tell(t, name+" in redis", inRedis.overrun(redis))
		for n, spans := range local {
			tell(t, fmt.Sprintf("%s at server %d", name, n), share.overrun(spans))
		}
	}
	leased := 0
	for n := range servers {
		leased += h.counts[decided{"leased", n, ratelimit.SourceLease, true}]
	}
	if leased == 0 {
		t.Error("nothing was leased")
	}
}

func tell(t *testing.T, of, overrun string) {
	t.Helper()
	if overrun != "" {
		t.Errorf("%s: %s", of, overrun)
	}
}
