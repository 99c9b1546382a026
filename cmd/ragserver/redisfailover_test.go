package main

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/telemetry"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// withRedis is a configuration with a cache, limits and a Redis for both, given as YAML.
func withRedis(t *testing.T, redis string) string {
	t.Helper()
	return strings.NewReplacer(
		`"http://127.0.0.1:1"`, `"`+backends.OpenSearch(t)+`"`,
		"index: papers}}", fmt.Sprintf("index: redis-%s}, redis: {cache: %[2]s, state: %[2]s}}", strings.ToLower(rand.Text()), redis),
		"{enabled: false,", "{enabled: true,",
		// Too small a burst for leases: each request asks Redis.
		"{defaultTier: free}", "{defaultTier: free, limits: [{endpoint: search, tier: free, requestsPerMinute: 60000, burst: 900, cost: 1}]}",
	).Replace(elsewhere)
}

// load is what callers get who ask as fast as they can.
type load struct {
	total, failed, unlimited atomic.Int64
	slowest                  atomic.Int64
	stopped                  chan struct{}
	running                  sync.WaitGroup
}

func startLoad(t *testing.T, r *running, key string) *load {
	t.Helper()
	l := &load{stopped: make(chan struct{})}
	for range 4 {
		l.running.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-l.stopped:
					return
				default:
					l.ask(t, r, key, n)
				}
			}
		})
	}
	return l
}

// ask asks one of ten questions, or one that nobody has asked.
func (l *load) ask(t *testing.T, r *running, key string, n int) {
	question := fmt.Sprintf(`{"query":"kite %d"}`, n%10)
	if n%10 == 0 {
		question = `{"query":"kite ` + strings.ToLower(rand.Text()) + `"}`
	}
	began := time.Now()
	status, header, _ := r.post(t, "/api/v1/search", key, question)
	took := int64(time.Since(began))
	for slowest := l.slowest.Load(); took > slowest && !l.slowest.CompareAndSwap(slowest, took); slowest = l.slowest.Load() {
	}
	l.total.Add(1)
	if status != http.StatusOK && status != http.StatusTooManyRequests {
		l.failed.Add(1)
	}
	if header.Get("X-RateLimit-Limit") != "60000" || header.Get("X-RateLimit-Remaining") == "" || header.Get("X-RateLimit-Reset") == "" {
		l.unlimited.Add(1)
	}
}

func (l *load) end() {
	close(l.stopped)
	l.running.Wait()
}

var redisCount = regexp.MustCompile(`(?m)^ragservice_redis_operation_duration_seconds_(?:count|bucket)\{.*$`)

// redisCalls are the operations on Redis that the server counts but pings, by outcome, and within how many seconds those were over that were
// made.
func redisCalls(t *testing.T, r *running) (byOutcome map[string]int, within string) {
	t.Helper()
	byOutcome = map[string]int{}
	below := map[string]int{}
	for _, line := range redisCount.FindAllString(r.metrics(t), -1) {
		labels, value, _ := strings.Cut(line, "} ")
		if strings.Contains(labels, `operation="ping"`) {
			continue
		}
		n, err := strconv.Atoi(value)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if _, bound, ok := strings.Cut(labels, `le="`); ok {
			if bound, _, _ = strings.Cut(bound, `"`); !strings.Contains(labels, `outcome="open"`) {
				below[bound] += n
			}
			continue
		}
		_, outcome, _ := strings.Cut(labels, `outcome="`)
		outcome, _, _ = strings.Cut(outcome, `"`)
		byOutcome[outcome] += n
	}
	for _, bound := range []string{"0.00025", "0.0005", "0.001", "0.0025", "0.005", "0.01", "0.02", "0.04", "0.06", "0.1", "+Inf"} {
		if below[bound] == below["+Inf"] {
			return byOutcome, bound
		}
	}
	return byOutcome, ""
}

func (r *running) metrics(t *testing.T) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.admin+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestFailoverOfRedisUnderLoad kills the primary while callers ask: each is answered, with the headers of its limit, and the replica is used
// when it has taken the primary's place. Times are told, not judged.
func TestFailoverOfRedisUnderLoad(t *testing.T) {
	list := func(addresses []string) string { return "['" + strings.Join(addresses, "', '") + "']" }
	const key = "key-of-the-administrator-0123456789"
	prefix := "rag:{library/papers}"
	for name, start := range map[string]func(t *testing.T) (redis string, kill func()){
		"sentinels": func(t *testing.T) (string, func()) {
			b := backends.RedisWithSentinels(t)
			return "{sentinel: {masterName: " + backends.SentinelMaster + ", addresses: " + list(b.Addresses()) + "}}", func() { b.Primary().Kill() }
		},
		"a cluster": func(t *testing.T) (string, func()) {
			b := backends.NewRedisCluster(t, true)
			return "{cluster: " + list(b.Addresses()) + "}", func() { b.Owner(b.Slot(prefix)).Kill() }
		},
	} {
		t.Run(name, func(t *testing.T) {
			redis, kill := start(t)
			keys := newKeysFolder(t)
			keys.set("root", `{"key":"`+key+`","role":"admin"}`)
			r := startWith(t, noEnvironment, "--config", write(t, "config.yaml", withRedis(t, redis)), "--secrets-dir", keys.secrets)
			defer r.end(t)
			upload(t, r, key)
			awaitRedis(t, r, telemetry.DependencyUp)
			l := startLoad(t, r, key)
			for before := l.total.Load(); l.total.Load() < before+200; {
				time.Sleep(time.Millisecond)
			}
			calls, _ := redisCalls(t, r)
			kill()
			killed, asked := time.Now(), l.total.Load()
			for _, state := redisStates(t, r); state != telemetry.DependencyDown; _, state = redisStates(t, r) {
				time.Sleep(10 * time.Millisecond)
			}
			awaitRedis(t, r, telemetry.DependencyUp)
			back, during := time.Since(killed), l.total.Load()-asked
			again, _ := redisCalls(t, r)
			for now := again; now["ok"] < again["ok"]+100; now, _ = redisCalls(t, r) {
				time.Sleep(10 * time.Millisecond)
			}
			l.end()
			if failed, unlimited := l.failed.Load(), l.unlimited.Load(); failed > 0 || unlimited > 0 {
				t.Errorf("of %d requests %d failed, %d had no headers of the limit", l.total.Load(), failed, unlimited)
			}
			after, within := redisCalls(t, r)
			lost := map[string]int{}
			for outcome, n := range after {
				if outcome != "ok" && n > calls[outcome] {
					lost[outcome] = n - calls[outcome]
				}
			}
			if lost["unreachable"]+lost["timeout"] == 0 || lost["open"] == 0 {
				t.Errorf("calls that were lost: %v", lost)
			}
			t.Logf("%d requests, %d of them in the %v without Redis, slowest %v; calls to Redis: within %ss, lost %v", l.total.Load(), during,
				back.Round(time.Millisecond), time.Duration(l.slowest.Load()).Round(time.Millisecond), within, lost)
		})
	}
}
