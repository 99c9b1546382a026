package alerting

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/ragservice/ragservice-operator/alerts"
	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/test/backends"
	"github.com/ragservice/ragservice-operator/test/openaitest"
)

// patience is how long what has to come may take: it takes seconds, unless the machine is busy.
const patience = 2 * time.Minute

// service answers by a model. Its alerts are raised soon, and its circuit breaker opens after more calls than make a rate.
const service = `apiVersion: ragservice.dev/v1alpha1
kind: RAGService
metadata: {name: papers, namespace: library}
spec:
  auth: {mode: Anonymous}
  models: {llm: {provider: OpenAI, model: test-model, baseURL: "%s"}}
  resilience: {retries: 0, circuitBreaker: {failures: 100, openFor: 1s}}
  alerts:
    errorRate: {for: 1m}
    cacheHitRate: {for: 1m}
    llmAvailability: {for: 1m}
  rateLimits:
    tiers: [{name: free, requestsPerMinute: 1000000}]
    endpoints: [{name: ask, requestsPerMinute: 1000000}]
`

// prometheus scrapes the server each second, also in the name of another service.
const prometheus = `global: {scrape_interval: 1s}
rule_files: [rules.yaml]
alerting: {alertmanagers: [{static_configs: [{targets: [%[1]q]}]}]}
scrape_configs:
  - job_name: papers-metrics
    static_configs: [{targets: [%[2]q], labels: {namespace: library, service: papers-metrics}}]
  - job_name: others-metrics
    static_configs: [{targets: [%[2]q], labels: {namespace: library, service: others-metrics}}]
`

// stack is the test and the folder of its programs.
type stack struct {
	t   *testing.T
	dir string
}

func (s *stack) write(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// start runs a program until the test ends, and waits until it answers at ready.
func (s *stack) start(ready, program string, args ...string) {
	s.t.Helper()
	backends.Run(s.t, filepath.Join(s.dir, filepath.Base(program)+".log"), ready, program, args...)
}

func (s *stack) eventually(hold func() string) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		missing := hold()
		if missing == "" {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatal(missing)
		}
	}
}

// alertmanagerConfig is the one of the page, which tells sinks of this machine, at once.
func (s *stack) alertmanagerConfig(smtp, http string) string {
	s.t.Helper()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "alert-receivers.md"))
	if err != nil {
		s.t.Fatal(err)
	}
	_, rest, begins := strings.Cut(string(page), "```yaml\n# alertmanager.yml\n")
	text, _, ends := strings.Cut(rest, "```")
	if !begins || !ends {
		s.t.Fatal("the page has no alertmanager.yml")
	}
	for _, change := range [][2]string{
		{"smarthost: smtp.example.com:587\n", "smarthost: " + smtp + "\n        require_tls: false\n"},
		{"severity: critical\n", "severity: critical\n        url: http://" + http + "/v2/enqueue\n"},
		{"  group_by:", "  group_wait: 100ms\n  group_interval: 1s\n  group_by:"},
	} {
		if strings.Count(text, change[0]) != 1 {
			s.t.Fatalf("the page has not one %q", change[0])
		}
		text = strings.Replace(text, change[0], change[1], 1)
	}
	for name, secret := range map[string]string{
		"smtp-password": smtpPassword, "slack-url": "http://" + http + slackPath, "pagerduty-key": pagerKey, "sms-url": "http://" + http + smsPath,
	} {
		s.write(name, secret)
	}
	return strings.ReplaceAll(text, "/etc/alertmanager/secrets", s.dir)
}

// minutes are durations as rules have them.
var minutes = regexp.MustCompile(`\b(\d+)([mhd])\b`)

// rules are those of the service and of another one that fails alike, with two seconds for each minute.
func rules(t *testing.T) string {
	t.Helper()
	var papers v1alpha1.RAGService
	if err := yaml.UnmarshalStrict([]byte(service), &papers); err != nil {
		t.Fatal(err)
	}
	others := papers.DeepCopy()
	others.Name = "others"
	text, err := yaml.Marshal(alerts.RuleFile{Groups: slices.Concat(alerts.Rules(&papers).Groups, alerts.Rules(others).Groups)})
	if err != nil {
		t.Fatal(err)
	}
	return minutes.ReplaceAllStringFunc(string(text), func(duration string) string {
		n, _ := strconv.Atoi(duration[:len(duration)-1]) // the expression has matched
		return strconv.Itoa(2*n*map[byte]int{'m': 1, 'h': 60, 'd': 24 * 60}[duration[len(duration)-1]]) + "s"
	})
}

// load asks until ctx ends: always the same, or what nobody has asked before.
func load(ctx context.Context, api string, same *atomic.Bool) {
	for i := 0; ctx.Err() == nil; i++ {
		galaxy := i
		if same.Load() {
			galaxy = 0
		}
		body := fmt.Sprintf(`{"query": "how many stars are in galaxy number %d"}`, galaxy)
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, api+"/api/v1/ask", strings.NewReader(body))
		if err != nil {
			return
		}
		request.Header.Set("Content-Type", "application/json")
		if response, err := http.DefaultClient.Do(request); err == nil {
			_, _ = io.Copy(io.Discard, response.Body) // how it was answered is what Prometheus is to tell
			_ = response.Body.Close()
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// knownOf is how many alerts of a service Alertmanager knows.
func knownOf(manager, name string) int {
	response, err := http.Get("http://" + manager + "/api/v2/alerts?filter=name%3D" + name)
	if err != nil {
		return 0
	}
	defer func() { _ = response.Body.Close() }() // it is only read
	var known []struct{}
	if json.NewDecoder(response.Body).Decode(&known) != nil {
		return 0
	}
	return len(known)
}

// run starts everything, the service with a document in it, and returns the addresses of its API and of Alertmanager.
func (s *stack) run(modelsAt string, got *delivered) (api, manager string) {
	s.t.Helper()
	prometheusProgram, alertmanagerProgram := backends.Tool(s.t, "prometheus"), backends.Tool(s.t, "alertmanager")
	api, manager = backends.Loopback(s.t), backends.Loopback(s.t)
	admin, monitor := backends.Loopback(s.t), backends.Loopback(s.t)

	s.start("http://"+admin+"/readyz", backends.Build(s.t, "ragserver"), "--manifest", s.write("service.yaml", fmt.Sprintf(service, modelsAt)),
		"--data-dir", filepath.Join(s.dir, "data"), "--listen", api, "--admin-listen", admin, "--loopback-admin")
	document := `{"id": "stars", "text": "In each galaxy there are about a hundred billion stars."}`
	response, err := http.Post("http://"+api+"/api/v1/documents", "application/json", strings.NewReader(document))
	if err != nil || response.StatusCode != http.StatusOK {
		s.t.Fatalf("no document is taken: %v %+v", err, response)
	}
	_ = response.Body.Close()
	config := s.write("alertmanager.yml", s.alertmanagerConfig(startMailbox(s.t, got), addressOf(startHTTP(s.t, got))))
	s.start("http://"+manager+"/-/ready", alertmanagerProgram, "--config.file", config, "--storage.path", filepath.Join(s.dir, "alertmanager"),
		"--web.listen-address", manager, "--cluster.listen-address=")
	s.write("rules.yaml", rules(s.t))
	config = s.write("prometheus.yml", fmt.Sprintf(prometheus, manager, admin))
	s.start("http://"+monitor+"/-/ready", prometheusProgram, "--config.file", config, "--storage.tsdb.path", filepath.Join(s.dir, "prometheus"),
		"--web.listen-address", monitor)
	return "http://" + api, manager
}

// TestReceiversAreTold of critical alerts all four, of another one email and Slack alone, and of their ends; of another service's nobody.
func TestReceiversAreTold(t *testing.T) {
	s := &stack{t: t, dir: t.TempDir()}
	var got delivered
	models := openaitest.New(t)
	api, manager := s.run(models.BaseURL(), &got)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var same atomic.Bool
	everybody, lessUrgent := []string{"email", "slack", "pagerDuty", "sms"}, []string{"email", "slack"}
	var table strings.Builder
	// after waits until receivers took a message of each of the alerts, which is due since now.
	after := func(change, status string, receivers []string, alerts ...string) {
		t.Helper()
		began := time.Now()
		for _, alert := range alerts {
			fmt.Fprintf(&table, "\n%s, %s %s:", change, alert, status)
			for _, receiver := range receivers {
				s.eventually(func() string {
					at, told := got.first(receiver, alert, status, began)
					if !told {
						return fmt.Sprintf("%s: %s took %v, and not that %s is %s", change, receiver, got.by(receiver), alert, status)
					}
					fmt.Fprintf(&table, " %s %.1fs", receiver, at.Sub(began).Seconds())
					return ""
				})
			}
		}
	}

	go load(ctx, api, &same)
	after("nobody asks twice", "firing", lessUrgent, "RAGServiceCacheHitRate")
	models.Always(openaitest.Chat, openaitest.Behaviour{Status: http.StatusInternalServerError})
	after("the model fails", "firing", everybody, "RAGServiceErrorRate", "RAGServiceLLMAvailability", "RAGServiceErrorBudgetBurn")
	s.eventually(func() string {
		if knownOf(manager, "others") < 2 {
			return "Alertmanager knows of no alerts of another service"
		}
		return ""
	})
	models.Always(openaitest.Chat, openaitest.Behaviour{})
	after("the model answers", "resolved", everybody, "RAGServiceErrorRate", "RAGServiceLLMAvailability")
	same.Store(true)
	after("all ask the same", "resolved", lessUrgent, "RAGServiceCacheHitRate")

	for _, receiver := range everybody {
		fmt.Fprintf(&table, "\n%s took %s", receiver, strings.Join(got.by(receiver), ", "))
		if critical := !slices.Contains(lessUrgent, receiver); critical && strings.Contains(strings.Join(got.by(receiver), " "), "CacheHitRate") {
			t.Errorf("%s is told of an alert that is not critical: %v", receiver, got.by(receiver))
		}
	}
	t.Log(table.String())
}
