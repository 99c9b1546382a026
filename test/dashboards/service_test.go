package dashboards

import (
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/test/backends"
	"github.com/ragservice/ragservice-operator/test/controlplane"
	"github.com/ragservice/ragservice-operator/test/openaitest"
)

const namespace, name = "library", "papers"

// configuration is what the operator would mount: little room and impatient breakers, so that a minute of load shows everything.
const configuration = `
service: {namespace: library, name: papers, replicas: 2}
stores:
  openSearch: {index: %[1]s, urls: ['%[2]s']}
  redis: {cache: {address: '%[3]s'}, state: {address: '%[4]s'}}
llm:
  provider: OpenAI
  baseURL: %[5]s
  model: large
  contextTokens: 4096
  maxTokens: 256
  timeout: 10s
  idleTimeout: 5s
  extract: true
  pricing: {promptUSDPerMillion: 2.5, completionUSDPerMillion: 10}
  fallbacks: [{baseURL: '%[6]s', model: spare, contextTokens: 4096}]
retrieval: {topK: 5, maxTopK: 50, languages: [en], chunking: {words: 160, overlapWords: 30}}
budgets: {service: {dailyTokens: 400000, dailyUSD: 50, monthlyUSD: 400}, tenant: {dailyTokens: 3000}, onExceeded: Alert}
cache: {enabled: true, ttlSearch: 1h, ttlLLM: 1h, localMaxBytes: 1048576}
rateLimits:
  defaultTier: free
  limits:
  - {tier: free, endpoint: search, requestsPerMinute: 100000, burst: 100000, cost: 1}
  - {tier: free, endpoint: ask, requestsPerMinute: 100000, burst: 100000, cost: 1}
  - {tier: free, endpoint: stream, requestsPerMinute: 100000, burst: 100000, cost: 1}
  - {tier: stingy, endpoint: search, requestsPerMinute: 6, burst: 6, cost: 1}
  - {tier: stingy, endpoint: ask, requestsPerMinute: 6, burst: 6, cost: 1}
auth: {mode: APIKey}
logging: {level: INFO, slowQueryThreshold: 1s, logQueries: Hash}
resilience: {retries: 0, initialBackoff: 100ms, failures: 3, openFor: 3s, maxInFlight: 8, queueTimeout: 100ms}
`

// keys are those of callers, by their names.
var keys = map[string]string{
	"admin":  `{"key": "dashboards-admin-0123456789", "role": "admin"}`,
	"client": `{"key": "dashboards-client-0123456789"}`,
	"stingy": `{"key": "dashboards-stingy-0123456789", "tier": "stingy"}`,
}

// service is a RAGService as Prometheus and its callers see it.
type service struct {
	models, spare   *openaitest.Server
	urls, admins    []string
	operatorMetrics string
	kubeconfig      string
}

func startService(t *testing.T) *service {
	t.Helper()
	s := &service{models: openaitest.New(t), spare: openaitest.New(t)}
	dir := t.TempDir()
	cache := backends.Redis(t, "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru")
	state := backends.Redis(t, "--maxmemory", "64mb", "--appendonly", "yes")
	index := "dashboards-" + strings.ToLower(rand.Text())
	writeFile(t, fmt.Sprintf(configuration, index, backends.OpenSearch(t), cache.Addr(), state.Addr(), s.models.BaseURL(), s.spare.BaseURL()), dir, "config.yaml")
	for caller, entry := range keys {
		writeFile(t, entry, dir, "secrets", "api-keys", caller)
	}
	program := backends.Build(t, "ragserver")
	for i := range 2 {
		url, admin := backends.Loopback(t), backends.Loopback(t)
		backends.Run(t, filepath.Join(dir, fmt.Sprint("log-", i)), "http://"+admin+"/readyz", program,
			"--config", filepath.Join(dir, "config.yaml"), "--secrets-dir", filepath.Join(dir, "secrets"), "--listen", url, "--admin-listen", admin)
		s.urls, s.admins = append(s.urls, "http://"+url), append(s.admins, admin)
	}
	return s
}

// startOperator has the operator work on a RAGService of the same name, in an API server without nodes: nothing becomes ready.
func (s *service) startOperator(t *testing.T) {
	t.Helper()
	s.kubeconfig = controlplane.Kubeconfig(t, controlplane.Start(t, "../../config/crd/bases"))
	dir := t.TempDir()
	writeFile(t, `
apiVersion: v1
kind: Namespace
metadata: {name: library}
---
apiVersion: ragservice.dev/v1alpha1
kind: RAGService
metadata: {name: papers, namespace: library}
spec: {models: {llm: {provider: Extractive}}}
`, dir, "service.yaml")
	s.kubectl(t, "apply", "-f", filepath.Join(dir, "service.yaml"))
	s.operatorMetrics = backends.Loopback(t)
	probes := backends.Loopback(t)
	t.Setenv("KUBECONFIG", s.kubeconfig)
	t.Setenv("POD_NAMESPACE", "ragservice-system")
	backends.Run(t, filepath.Join(dir, "log"), "http://"+probes+"/readyz", backends.Build(t, "manager"),
		"--metrics-bind-address", s.operatorMetrics, "--health-probe-bind-address", probes,
		"--server-image", "example.com/server:1", "--redis-image", "example.com/redis:1", "--opensearch-image", "example.com/opensearch:1")
}

// nudge asks the operator for a pass: a steady RAGService needs none.
func (s *service) nudge(t *testing.T) {
	t.Helper()
	s.kubectl(t, "annotate", "--overwrite", "--namespace", namespace, "ragservice", name, "ragservice.dev/requested-at="+time.Now().Format(time.RFC3339Nano))
}

func (s *service) kubectl(t *testing.T, arguments ...string) {
	t.Helper()
	arguments = append(arguments, "--kubeconfig", s.kubeconfig)
	if out, err := exec.CommandContext(t.Context(), controlplane.Program(t, "kubectl"), arguments...).CombinedOutput(); err != nil {
		t.Fatalf("kubectl %s: %v\n%s", arguments[0], err, out)
	}
}

func writeFile(t *testing.T, content string, path ...string) {
	t.Helper()
	file := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
