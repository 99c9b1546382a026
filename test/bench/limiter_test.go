package bench

import (
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/ratelimit"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/backends"
	"github.com/ragservice/ragservice-operator/test/proc"
)

const (
	// deciders ask at once, each again as soon as it has its answer: as many as redis-benchmark's clients.
	deciders = 64
	// callers have a bucket each, as many as redis-benchmark draws keys from.
	callers = 1000
	// perMinute is what each bucket gains: nobody is refused.
	perMinute = 1_000_000
	// unleased is the largest burst that is never leased; leased is more than all rounds take (docs/rate-limits.md, Leases).
	unleased, leased = 999, 100_000_000
)

var limitedService = config.Service{Namespace: "bench", Name: "bench", Replicas: 1}

// TestLimiter prints how many decisions a second the limiter comes to in process, beside what redis-benchmark gets out of the same Redis
// with the same script. A decision is a request that took its cost from its caller's bucket: by a run of the script, which decides all
// that came meanwhile, or from a lease. What the limiter decided without Redis does not count.
func TestLimiter(t *testing.T) {
	program(t)
	server := backends.Redis(t)
	guard := resilience.NewRedis(resilience.RedisOptions{Address: server.Addr()})
	t.Cleanup(func() { _ = guard.Close() })
	limiter := ratelimit.New(ratelimit.Options{Redis: guard, Service: func() config.Service { return limitedService }})
	kinds := []struct {
		name           string
		callers, burst int
		rate, without  float64
	}{
		{name: "Limiter.Take, never leased, 1000 callers", callers: callers, burst: unleased},
		{name: "Limiter.Take, leased, 1000 callers", callers: callers, burst: leased},
		{name: "Limiter.Take, leased, 1 caller", callers: 1, burst: leased},
	}
	sha := loadScript(t, server)
	scripts := 0.0
	for range rounds {
		scripts += redisBenchmark(t, server, sha) / rounds
		for i := range kinds {
			k := &kinds[i]
			rate, without := decide(t, limiter, k.callers, k.burst)
			k.rate += rate / rounds
			k.without += without / rounds
		}
	}
	out := newTable(fmt.Sprintf("the limiter in process, %d at once; a bucket each decision", deciders),
		"", "decisions/s", "of redis-benchmark", "decided without Redis")
	out.add("redis-benchmark -c 64 -P 1, same script", whole(scripts), "100%", "")
	for _, k := range kinds {
		out.add(k.name, whole(k.rate), percent(100*k.rate/scripts), fmt.Sprintf("%.2f%%", 100*k.without/(k.rate+k.without)))
	}
	out.print(t)
}

// decide has all deciders take for a round, and returns the decisions a second with Redis and without.
func decide(t *testing.T, limiter *ratelimit.Limiter, callers, burst int) (with, without float64) {
	t.Helper()
	limit := config.Limit{Endpoint: "ask", Tier: "free", RequestsPerMinute: perMinute, Burst: burst, Cost: 1}
	buckets := make([][]ratelimit.Bucket, callers)
	for i := range buckets {
		buckets[i] = []ratelimit.Bucket{{Name: fmt.Sprintf("%012d", burst*callers+i), Limit: limit}}
	}
	var decided, other atomic.Int64
	var running sync.WaitGroup
	began := time.Now()
	for n := range deciders {
		running.Go(func() {
			mine, others := int64(0), int64(0)
			for i := n; time.Since(began) < roundLength; i += deciders - 1 {
				ctx := resilience.WithRedisBudget(t.Context())
				switch d := limiter.Take(ctx, buckets[i%callers]); {
				case !d.Allowed || (d.Source != ratelimit.SourceRedis && d.Source != ratelimit.SourceLease):
					others++
				default:
					mine++
				}
			}
			decided.Add(mine)
			other.Add(others)
		})
	}
	running.Wait()
	seconds := time.Since(began).Seconds()
	return float64(decided.Load()) / seconds, float64(other.Load()) / seconds
}

// loadScript gives Redis the limiter's script, and returns its hash.
func loadScript(t *testing.T, server *backends.RedisServer) string {
	t.Helper()
	path, err := proc.RepositoryFile("runtime", "ratelimit", "bucket.lua")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer func() { _ = client.Close() }()
	sha, err := client.ScriptLoad(t.Context(), string(source)).Result()
	if err != nil {
		t.Fatal(err)
	}
	return sha
}

// redisBenchmark runs the script for one request of one bucket at a time, and returns how often a second.
func redisBenchmark(t *testing.T, server *backends.RedisServer, sha string) float64 {
	t.Helper()
	const requests = 150_000 // a round's time or so
	host, port, _ := strings.Cut(server.Addr(), ":")
	micro := func(tokens int) string { return strconv.Itoa(tokens * 1_000_000) }
	out, err := exec.CommandContext(t.Context(), "redis-benchmark", "-h", host, "-p", port,
		"-c", strconv.Itoa(deciders), "-P", "1", "-n", strconv.Itoa(requests), "-r", strconv.Itoa(callers), "--csv",
		"EVALSHA", sha, "1", ratelimit.Prefix(limitedService)+":limit:ask:__rand_int__",
		"1", micro(unleased), micro(1), strconv.Itoa(perMinute), "0").Output()
	if err != nil {
		t.Fatalf("redis-benchmark: %v: %s", err, out)
	}
	rows, err := csv.NewReader(strings.NewReader(string(out))).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("redis-benchmark said %s: %v", out, err)
	}
	rate, err := strconv.ParseFloat(rows[1][1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return rate
}
