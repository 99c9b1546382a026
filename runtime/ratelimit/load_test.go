package ratelimit_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/ratelimit"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/admissions"
	"github.com/ragservice/ragservice-operator/test/backends"
)

const (
	servers = 3
	// requestsPerSecond are about what all clients send. It bounds the load; nothing depends on it.
	requestsPerSecond = 5000
	// leaseLife is how early a request may have left a bucket that is leased, as docs/rate-limits.md says.
	leaseLife = 100 * time.Millisecond
)

// setting is a number from the environment: the size of a run.
func setting(t *testing.T, name string, standard int) int {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		return standard
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// admission is a request that a server admitted.
type admission struct {
	admissions.Span
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
	// back is how far the clocks of the servers were set back.
	back atomic.Int64

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
	h.await(t, want)
}

// awaitBusy waits until each server has, from here on, refused some requests because it was busy.
func (h *history) awaitBusy(t *testing.T) {
	t.Helper()
	want := map[decided]int{}
	for server := range servers {
		busy := decided{"continuous", server, ratelimit.SourceBusy, false}
		want[busy] = h.count(busy) + 10
	}
	h.await(t, want)
}

func (h *history) await(t *testing.T, want map[decided]int) {
	t.Helper()
	for kind, n := range want {
		until(t, fmt.Sprintf("%+v", kind), func() bool { return h.count(kind) >= n })
	}
}

// requests are what clients send, and each bucket's limit by its name.
func requests() (kinds [][]ratelimit.Bucket, limits map[string]config.Limit) {
	bucket := func(name, endpoint string, perMinute, burst int) ratelimit.Bucket {
		return ratelimit.Bucket{Name: name, Limit: config.Limit{
			Endpoint: endpoint, Tier: "free", RequestsPerMinute: perMinute, Burst: burst, Cost: 1,
		}}
	}
	whole, costly := bucket("whole", "ask", 600, 20), bucket("costly", "ask", 1800, 45)
	whole.Limit.WholeTokens, costly.Limit.Cost = true, 3
	tenant := bucket("tenant", "tenant", 900, 15)
	kinds = [][]ratelimit.Bucket{
		{bucket("continuous", "ask", 600, 20)},
		{whole},
		{costly},
		{bucket("leased", "search", 60, 1000)},
		{bucket("large", "search", 6000, 1000), bucket("large tenant", "tenant", 5500, 1200), bucket("all", "service", 5800, 1100)},
		{bucket("alice", "ask", 600, 30), tenant},
		{bucket("bob", "ask", 600, 30), tenant},
	}
	limits = map[string]config.Limit{}
	for _, buckets := range kinds {
		for _, b := range buckets {
			limits[b.Name] = b.Limit
		}
	}
	return kinds, limits
}

// load has clients send requests to all servers until the test ends: 42, or RAGSERVICE_LIMITS_CLIENTS. The clocks of the servers are an
// hour apart. A call to Redis, its wait for a turn included, takes at most as long as timeout.
func load(t *testing.T, server *backends.RedisServer, timeout time.Duration) (*history, []*resilience.Redis) {
	t.Helper()
	h := &history{began: time.Now(), admitted: map[string][]admission{}, counts: map[decided]int{}}
	ctx, stop := context.WithCancel(t.Context())
	clients := setting(t, "RAGSERVICE_LIMITS_CLIENTS", 42)
	pace := time.Duration(clients) * time.Second / requestsPerSecond
	kinds, _ := requests()
	guards, limiters := make([]*resilience.Redis, servers), make([]*ratelimit.Limiter, servers)
	for n := range servers {
		guards[n] = resilience.NewRedis(resilience.RedisOptions{Address: server.Addr(), Timeout: timeout})
		t.Cleanup(func() { _ = guards[n].Close() })
		skew := time.Duration(n-1) * time.Hour
		limiters[n] = ratelimit.New(ratelimit.Options{Redis: guards[n], Service: replicas(servers), Now: func() time.Time {
			return time.Now().Add(skew - time.Duration(h.back.Load()))
		}})
	}
	var running sync.WaitGroup
	for client := range clients {
		n, buckets := client%servers, kinds[client/servers%len(kinds)]
		running.Go(func() {
			for ; ctx.Err() == nil; time.Sleep(pace) {
				begin := h.now()
				d := limiters[n].Take(t.Context(), buckets)
				h.add(buckets, d, admission{admissions.Span{Begin: begin, End: h.now()}, n, d.Source})
			}
		})
	}
	t.Cleanup(func() { stop(); running.Wait() }) // before the guards are closed
	return h, guards
}

// occupy has calls under way that take all turns of the servers again and again, each for some time, until they are told to stop.
func occupy(t *testing.T, guards []*resilience.Redis, each time.Duration) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for _, guard := range guards {
		for range 40 { // four times as many as a server makes at once
			running.Go(func() {
				for ctx.Err() == nil {
					_ = guard.Do(ctx, "hold", func(ctx context.Context, client redis.UniversalClient) error {
						return client.Do(ctx, "WAIT", 1, each.Milliseconds()).Err() // for a replica, which there is not
					})
				}
			})
		}
	}
	stop = func() { cancel(); running.Wait() }
	t.Cleanup(stop)
	return stop
}

// tell logs what came to be.
func (h *history) tell(t *testing.T, windows int) {
	t.Helper()
	all, admitted := map[ratelimit.Source]int{}, map[ratelimit.Source]int{}
	for kind, n := range h.counts {
		if all[kind.source] += n; kind.allowed {
			admitted[kind.source] += n
		}
	}
	t.Logf("%v, %d windows", h.now().Round(time.Second), windows)
	for _, source := range slices.Sorted(maps.Keys(all)) {
		t.Logf("%-5s %8d requests, %8d admitted, %8d refused", source, all[source], admitted[source], all[source]-admitted[source])
	}
}
