package bench

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/internal/manifest"
	"github.com/ragservice/ragservice-operator/internal/serverconfig"
	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/test/backends"
	"github.com/ragservice/ragservice-operator/test/proc"
)

// measured is the service that is measured: the defaults, with limits that refuse nobody but the tier "stingy".
const measured = `
apiVersion: ragservice.dev/v1alpha1
kind: RAGService
metadata: {name: bench}
spec:
  server: {replicas: 1}
  models: {llm: {provider: Extractive}}
  rateLimits:
    defaultTier: free
    tiers:
      - {name: free, requestsPerMinute: 1000000}
      - {name: stingy, requestsPerMinute: 1}
    endpoints:
      - {name: ask, requestsPerMinute: 1000000}
`

// The keys of the measured callers, by name.
var keys = map[string]config.APIKey{
	"admin":  {Key: "bench-admin-0123456789abcdef", Role: "admin"},
	"client": {Key: "bench-client-0123456789abcdef"},
	"stingy": {Key: "bench-stingy-0123456789abcdef", Tier: "stingy"},
}

const (
	startTimeout = 60 * time.Second
	stopTimeout  = 30 * time.Second
)

// ragserver is a running server with OpenSearch and two Redis behind it, as in a pod.
type ragserver struct {
	tb           testing.TB
	url, admin   string
	log          string
	index        string
	cache, state *backends.RedisServer
	process      *proc.Process
}

// startServer starts the server of a manifest, with changes to its configuration.
func startServer(tb testing.TB, program, service string, changes ...func(*config.Config)) *ragserver {
	tb.Helper()
	dir := tb.TempDir()
	s := &ragserver{
		tb: tb, log: filepath.Join(dir, "log"),
		index: "bench-" + strings.ToLower(rand.Text()),
		cache: backends.Redis(tb), state: backends.Redis(tb),
	}
	s.url, s.admin = loopback(tb), loopback(tb)
	s.writeConfig(dir, service, changes)
	var err error
	s.process, err = proc.Start(s.log, program,
		"--config", filepath.Join(dir, "config.yaml"),
		"--secrets-dir", filepath.Join(dir, "secrets"),
		"--listen", s.url,
		"--admin-listen", s.admin,
	)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.process.End(syscall.SIGTERM, stopTimeout) })
	s.url, s.admin = "http://"+s.url, "http://"+s.admin
	await(tb, s.process, s.admin+"/readyz")
	return s
}

func loopback(tb testing.TB) string {
	tb.Helper()
	port, err := proc.FreePort()
	if err != nil {
		tb.Fatal(err)
	}
	return "127.0.0.1:" + strconv.Itoa(port)
}

// writeConfig writes what the operator would mount.
func (s *ragserver) writeConfig(dir, service string, changes []func(*config.Config)) {
	tb := s.tb
	tb.Helper()
	m, err := manifest.Load([]byte(service))
	if err != nil {
		tb.Fatal(err)
	}
	cfg, err := serverconfig.Build(m.Service, config.Stores{
		OpenSearch: &config.OpenSearch{
			URLs:  []string{backends.OpenSearch(tb)},
			Index: s.index,
		},
		Redis: &config.Redis{
			Cache: config.RedisInstance{Address: s.cache.Addr()},
			State: config.RedisInstance{Address: s.state.Addr()},
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	for _, change := range changes {
		change(&cfg)
	}
	text, err := serverconfig.Marshal(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	writeFile(tb, text, dir, "config.yaml")
	for name, key := range keys {
		entry, err := json.Marshal(key)
		if err != nil {
			tb.Fatal(err)
		}
		writeFile(tb, entry, dir, "secrets", config.APIKeysSecretDir, name)
	}
}

func writeFile(tb testing.TB, content []byte, path ...string) {
	tb.Helper()
	file := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		tb.Fatal(err)
	}
}

// post sends JSON as a caller and returns the body of an answer with status 200.
func (s *ragserver) post(path, caller string, value any) ([]byte, http.Header) {
	s.tb.Helper()
	body, err := json.Marshal(value)
	if err != nil {
		s.tb.Fatal(err)
	}
	r, err := http.NewRequestWithContext(s.tb.Context(), http.MethodPost, s.url+path, bytes.NewReader(body))
	if err != nil {
		s.tb.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-API-Key", keys[caller].Key)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		s.tb.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		s.tb.Fatalf("POST %s: %d %v %.500s", path, response.StatusCode, err, answer)
	}
	return answer, response.Header
}

// usage is what the server has taken since it started.
type usage struct {
	allocations, allocatedBytes, cpuSeconds float64
	infoLines, logBytes                     int64
}

func (u usage) since(before usage) usage {
	return usage{
		allocations:    u.allocations - before.allocations,
		allocatedBytes: u.allocatedBytes - before.allocatedBytes,
		cpuSeconds:     u.cpuSeconds - before.cpuSeconds,
		infoLines:      u.infoLines - before.infoLines,
		logBytes:       u.logBytes - before.logBytes,
	}
}

// logSettles is longer than the server holds back lines of its log.
const logSettles = 500 * time.Millisecond

// usage reads the metrics and the log. Its own scrape is in the numbers: thousands of allocations, once.
func (s *ragserver) usage() usage {
	s.tb.Helper()
	time.Sleep(logSettles)
	response, err := http.Get(s.admin + "/metrics")
	if err != nil {
		s.tb.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	metrics, err := io.ReadAll(response.Body)
	if err != nil {
		s.tb.Fatal(err)
	}
	log, err := os.ReadFile(s.log)
	if err != nil {
		s.tb.Fatal(err)
	}
	return usage{
		allocations:    s.metric(metrics, "go_memstats_mallocs_total"),
		allocatedBytes: s.metric(metrics, "go_memstats_alloc_bytes_total"),
		cpuSeconds:     s.metric(metrics, "process_cpu_seconds_total"),
		infoLines:      int64(bytes.Count(log, []byte(`"level":"INFO"`))),
		logBytes:       int64(len(log)),
	}
}

func (s *ragserver) metric(text []byte, name string) float64 {
	s.tb.Helper()
	for line := range strings.Lines(string(text)) {
		var value float64
		if n, _ := fmt.Sscanf(line, name+" %g", &value); n == 1 {
			return value
		}
	}
	s.tb.Fatalf("there is no metric %s", name)
	return 0
}
