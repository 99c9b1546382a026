package bench

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/test/backends"
	"github.com/ragservice/ragservice-operator/test/proc"
)

// envoyLimits are two limits of envoyproxy/ratelimit: one that refuses nobody, and one a minute.
const envoyLimits = `
domain: bench
descriptors:
  - {key: caller, value: client, rate_limit: {unit: minute, requests_per_unit: 100000000}}
  - {key: caller, value: stingy, rate_limit: {unit: minute, requests_per_unit: 1}}
`

// TestDecisions prints how many requests a second the server limits over HTTP, beside envoyproxy/ratelimit's endpoint /json with the same
// Redis. The server also says who calls, and answers the question, from its cache.
func TestDecisions(t *testing.T) {
	ragserver, ratelimit := program(t), os.Getenv("RAGSERVICE_BENCH_RATELIMIT")
	if ratelimit == "" {
		t.Skip("RAGSERVICE_BENCH_RATELIMIT names no envoyproxy/ratelimit: run `make bench`")
	}
	c := loadCorpus(t)
	c.documents = c.documents[:min(len(c.documents), 200)]
	s := startServer(t, ragserver, measured)
	s.upload(c)
	question, _ := s.typicalQuestion(c)
	ask := s.url + "/api/v1/ask"
	envoy, batching := startEnvoy(t, ratelimit, s.state, "0"), startEnvoy(t, ratelimit, s.state, "150us")

	kinds := []struct {
		name, url, caller, body string
		load
	}{
		{name: "envoyproxy/ratelimit, admitted", url: envoy, caller: "client"},
		{name: "the same, REDIS_PIPELINE_WINDOW=150us", url: batching, caller: "client"},
		{name: "ragserver, admitted: ask, cached", url: ask, caller: "client", body: askBody(t, question)},
		{name: "envoyproxy/ratelimit, refused", url: envoy, caller: "stingy"},
		{name: "ragserver, refused (429)", url: ask, caller: "stingy", body: askBody(t, question)},
	}
	for range rounds {
		for i := range kinds {
			k := &kinds[i]
			if k.body == "" {
				k.body = fmt.Sprintf(`{"domain":"bench","descriptors":[{"entries":[{"key":"caller","value":%q}]}]}`, k.caller)
			}
			k.load = k.plus(wrk(t, k.url, keys[k.caller].Key, k.body, roundLength))
		}
	}
	out := newTable(fmt.Sprintf("limiting over HTTP, one Redis; wrk, %s connections", connections),
		"", "decisions/s", "of envoyproxy/ratelimit", "p50 ms", "p99 ms", "refused")
	for i, k := range kinds {
		peer := kinds[i/3*3].perSecond()
		out.add(k.name, whole(k.perSecond()), percent(100*k.perSecond()/peer), thousandths(k.P50), thousandths(k.P99),
			percent(100*float64(k.Refused)/float64(k.Requests)))
	}
	out.print(t)
}

// startEnvoy starts envoyproxy/ratelimit with a Redis and returns its endpoint. Its own cache of who is over the limit is off, as by default.
func startEnvoy(t *testing.T, program string, redis *backends.RedisServer, pipelineWindow string) string {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, []byte(envoyLimits), dir, "ratelimit", "config", "bench.yaml")
	listen := loopback(t)
	for name, value := range map[string]string{
		"RUNTIME_ROOT": dir, "RUNTIME_SUBDIRECTORY": "ratelimit", "RUNTIME_WATCH_ROOT": "false",
		"HOST": "127.0.0.1", "PORT": portOf(listen),
		"GRPC_HOST": "127.0.0.1", "GRPC_PORT": portOf(loopback(t)),
		"DEBUG_HOST": "127.0.0.1", "DEBUG_PORT": portOf(loopback(t)),
		"REDIS_SOCKET_TYPE": "tcp", "REDIS_URL": redis.Addr(), "REDIS_PIPELINE_WINDOW": pipelineWindow,
		"USE_STATSD": "false", "LOG_LEVEL": "error",
	} {
		t.Setenv(name, value)
	}
	p, err := proc.Start(filepath.Join(dir, "log"), program)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.End(syscall.SIGTERM, stopTimeout) })
	await(t, p, "http://"+listen+"/healthcheck")
	return "http://" + listen + "/json"
}

func portOf(address string) string { return address[strings.LastIndex(address, ":")+1:] }

// await waits until a program that was started answers 200.
func await(tb testing.TB, p *proc.Process, url string) {
	tb.Helper()
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(50 * time.Millisecond) {
		response, err := http.Get(url)
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		if p.Ended() || time.Now().After(deadline) {
			tb.Fatalf("%s is not ready: %s", url, p.LogTail())
		}
	}
}
