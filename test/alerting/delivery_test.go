package alerting

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/test/openaitest"
	"github.com/ragservice/ragservice-operator/test/proc"
)

// patience is how long what has to come may take: it takes seconds, unless the machine is busy.
const patience = 5 * time.Minute

// service answers by a model, and caches nothing of it for long.
const service = `apiVersion: ragservice.dev/v1alpha1
kind: RAGService
metadata: {name: papers, namespace: library}
spec:
  auth: {mode: Anonymous}
  models: {llm: {provider: OpenAI, model: test-model, baseURL: %q}}
  resilience: {retries: 0, circuitBreaker: {openFor: 1s}}
  rateLimits:
    tiers: [{name: free, requestsPerMinute: 1000000}]
    endpoints: [{name: ask, requestsPerMinute: 1000000}]
`

// rules are short ones with the labels of those that the operator makes: two that are critical, and one that is not.
const rules = `groups:
  - name: short
    interval: 1s
    rules:
      - alert: RAGServiceErrorRate
        expr: sum(rate(ragservice_errors_total[10s])) / sum(rate(http_server_request_duration_seconds_count[10s])) > 0.05
        labels: {severity: critical, namespace: library, name: papers}
      - alert: RAGServiceLLMAvailability
        expr: sum(rate(ragservice_errors_total{code=~"llm_.+"}[10s])) > 0
        labels: {severity: critical, namespace: library, name: papers}
      - alert: RAGServiceCacheHitRate
        expr: sum(rate(ragservice_cache_requests_total{outcome="MISS"}[10s])) > 0
        labels: {severity: warning, namespace: library, name: papers}
      - alert: RAGServiceDiskUsage
        expr: vector(1)
        labels: {severity: critical, namespace: library, name: others}
`

// prometheus scrapes the server, and evaluates the rules, each second.
const prometheus = `global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yaml]
alerting: {alertmanagers: [{static_configs: [{targets: [%q]}]}]}
scrape_configs:
  - job_name: papers-metrics
    static_configs: [{targets: [%q], labels: {namespace: library, service: papers-metrics}}]
`

// stack is the programs of the test and their folder.
type stack struct {
	t        *testing.T
	dir      string
	programs []*proc.Process
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
	log := filepath.Join(s.dir, filepath.Base(program)+".log")
	p, err := proc.Start(log, program, args...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.programs = append(s.programs, p)
	s.t.Cleanup(func() {
		p.End(syscall.SIGTERM, 30*time.Second)
		if s.t.Failed() {
			s.t.Logf("%s ends with:\n%s", filepath.Base(program), p.LogTail())
		}
	})
	s.eventually(func() string {
		if p.Ended() {
			s.t.Fatalf("%s has ended: %s", program, p.LogTail())
		}
		response, err := http.Get(ready)
		if err != nil {
			return err.Error()
		}
		defer func() { _ = response.Body.Close() }() // it is only looked at
		if response.StatusCode != http.StatusOK {
			return ready + " answers " + response.Status
		}
		return ""
	})
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

// output runs a command of the repository and returns the lines that it prints.
func output(t *testing.T, command ...string) []string {
	t.Helper()
	run := exec.CommandContext(t.Context(), command[0], command[1:]...)
	run.Dir, run.Stderr = filepath.Join("..", ".."), os.Stderr
	text, err := run.Output()
	if err != nil {
		t.Fatalf("%v: %v", command, err)
	}
	return strings.Fields(string(text))
}

func loopback(t *testing.T) string {
	t.Helper()
	port, err := proc.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return "127.0.0.1:" + strconv.Itoa(port)
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

// load asks questions that nobody has asked before, until ctx ends.
func load(ctx context.Context, api string) {
	for i := 0; ctx.Err() == nil; i++ {
		body := fmt.Sprintf(`{"query": "how many stars are in galaxy number %d"}`, i)
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, api+"/api/v1/ask", strings.NewReader(body))
		if err != nil {
			return
		}
		request.Header.Set("Content-Type", "application/json")
		if response, err := http.DefaultClient.Do(request); err == nil {
			_ = response.Body.Close() // how it was answered is what Prometheus is to tell
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestReceiversAreTold of critical alerts all four, of another one email and Slack alone, and of their ends; of another service's nobody.
func TestReceiversAreTold(t *testing.T) {
	prometheusProgram, alertmanagerProgram := output(t, "hack/deps/prometheus.sh")[0], output(t, "hack/deps/alertmanager.sh")[0]
	s := &stack{t: t, dir: t.TempDir()}
	output(t, "go", "build", "-o", filepath.Join(s.dir, "ragserver"), "./cmd/ragserver")
	var got delivered
	models := openaitest.New(t)
	api, admin, manager, monitor := loopback(t), loopback(t), loopback(t), loopback(t)

	s.start("http://"+admin+"/readyz", filepath.Join(s.dir, "ragserver"), "--manifest", s.write("service.yaml", fmt.Sprintf(service, models.BaseURL())),
		"--data-dir", filepath.Join(s.dir, "data"), "--listen", api, "--admin-listen", admin, "--loopback-admin")
	document := `{"id": "stars", "text": "In each galaxy there are about a hundred billion stars."}`
	response, err := http.Post("http://"+api+"/api/v1/documents", "application/json", strings.NewReader(document))
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("no document is taken: %v %+v", err, response)
	}
	_ = response.Body.Close()
	config := s.write("alertmanager.yml", s.alertmanagerConfig(startMailbox(t, &got), addressOf(startHTTP(t, &got))))
	s.start("http://"+manager+"/-/ready", alertmanagerProgram, "--config.file", config, "--storage.path", filepath.Join(s.dir, "alertmanager"),
		"--web.listen-address", manager, "--cluster.listen-address=")
	s.write("rules.yaml", rules)
	config = s.write("prometheus.yml", fmt.Sprintf(prometheus, manager, admin))
	s.start("http://"+monitor+"/-/ready", prometheusProgram, "--config.file", config, "--storage.tsdb.path", filepath.Join(s.dir, "prometheus"),
		"--web.listen-address", monitor)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go load(ctx, "http://"+api)

	everybody := []string{"email", "slack", "pagerDuty", "sms"}
	took := func(message string, receivers ...string) {
		t.Helper()
		for _, receiver := range receivers {
			s.eventually(func() string {
				if !got.has(receiver, message) {
					return fmt.Sprintf("%s took %v, and not %s", receiver, got.by(receiver), message)
				}
				return ""
			})
		}
	}
	took("RAGServiceCacheHitRate firing", "email", "slack")
	models.Always(openaitest.Chat, openaitest.Behaviour{Status: http.StatusInternalServerError})
	took("RAGServiceLLMAvailability firing", everybody...)
	took("RAGServiceErrorRate firing", everybody...)
	models.Always(openaitest.Chat, openaitest.Behaviour{})
	took("RAGServiceLLMAvailability resolved", everybody...)
	took("RAGServiceErrorRate resolved", everybody...)
	stop()
	took("RAGServiceCacheHitRate resolved", "email", "slack")
	for _, receiver := range everybody {
		t.Logf("%s: %s", receiver, strings.Join(got.by(receiver), ", "))
		for _, message := range got.by(receiver) {
			if critical := receiver == "pagerDuty" || receiver == "sms"; critical && strings.Contains(message, "CacheHitRate") {
				t.Errorf("%s is told of an alert that is not critical: %s", receiver, message)
			}
			if strings.Contains(message, "DiskUsage") {
				t.Errorf("%s is told of an alert of another service", receiver)
			}
		}
	}
}
