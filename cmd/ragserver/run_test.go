package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/test/logtest"
)

const smallest = `
apiVersion: ragservice.dev/v1alpha1
kind: RAGService
metadata: {name: papers}
spec: {models: {llm: {provider: Extractive}}}
`

// withoutStores is a valid configuration that leaves the stores to the server itself.
const withoutStores = `
service: {namespace: library, name: papers, replicas: 1}
llm: {provider: Extractive}
retrieval: {topK: 5, maxTopK: 50, chunking: {words: 160, overlapWords: 30}}
cache: {enabled: false, ttlSearch: 1h, ttlLLM: 1h, localMaxBytes: 1048576}
rateLimits: {enabled: false, defaultTier: free}
auth: {mode: Anonymous}
logging: {level: INFO}
`

func write(t *testing.T, name, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func noEnvironment(string) string { return "" }

// TestWhatCannotRunSaysWhyBeforeItListens covers exit codes 1 and 2. The address is one that nobody can listen on: a
// server that tried to would say so instead.
func TestWhatCannotRunSaysWhyBeforeItListens(t *testing.T) {
	manifest := func(spec string) []string {
		return []string{"--manifest", write(t, "m.yaml", "apiVersion: ragservice.dev/v1alpha1\nkind: RAGService\nmetadata: {name: papers}\nspec: "+spec+"\n")}
	}
	config := func(content string) []string { return []string{"--config", write(t, "config.yaml", content)} }
	tests := []struct {
		name string
		args []string
		code int
		says []string
	}{
		{"no flag", nil, 2, []string{"--manifest", "--config"}},
		{"loopback administrators in a pod", []string{"--config", "a", "--loopback-admin"}, 2, []string{"--loopback-admin"}},
		{"both flags", []string{"--manifest", "a", "--config", "b"}, 2, []string{"--manifest"}},
		{"unknown flag", []string{"--manifset", "a"}, 2, []string{"manifset"}},
		{"stray argument", []string{"--manifest", "a", "b"}, 2, []string{`"b"`}},
		{"a folder for no log file", append(manifest("{models: {llm: {provider: Extractive}}}"), "--log-dir", "a"), 1, []string{"--log-dir", "spec.logging.file"}},
		{"no such manifest", []string{"--manifest", "/no/such/file"}, 1, []string{"/no/such/file"}},
		{"manifest is not YAML", []string{"--manifest", write(t, "m.yaml", "{")}, 1, nil},
		{"unknown field", manifest("{models: {llm: {provider: Extractive}}, cahce: {}}"), 1, []string{"spec.cahce"}},
		{"out of range", manifest("{models: {llm: {provider: Extractive}}, retrieval: {topK: 0}}"), 1, []string{"spec.retrieval.topK"}},
		{"rule between fields", manifest("{models: {llm: {provider: OpenAI, model: m}}}"), 1, []string{"spec.models.llm", "baseURL"}},
		{"secret that is not there", manifest("{models: {llm: {provider: OpenAI, model: m, baseURL: 'http://127.0.0.1:1/v1', apiKeySecretRef: {name: llm, key: k}}}}"), 1,
			[]string{"spec.models.llm.apiKeySecretRef", "RAG_SECRET_LLM_K"}},
		{"no usable key", manifest("{models: {llm: {provider: Extractive}}, auth: {apiKeysSecretRef: {name: callers}}}\n---\n" +
			"{apiVersion: v1, kind: Secret, metadata: {name: callers}, stringData: {alice: canary, bob: '{}'}}"), 1,
			[]string{"spec.auth.apiKeysSecretRef", `"callers"`, `"alice"`, `"bob"`}},
		{"no key in a pod", config(elsewhere), 1, []string{"api-keys", "no API key"}},
		{"a key's name twice", manifest("{models: {llm: {provider: Extractive}}, auth: {apiKeysSecretRef: {name: callers}}}\n---\n" +
			"{apiVersion: v1, kind: Secret, metadata: {name: callers}, stringData: {alice: canary, alice: canary}}"), 1, []string{`"alice"`}},
		{"configuration out of range", config("retrieval: {topK: 0, maxTopK: 50}"), 1, []string{"retrieval.topK"}},
		{"configuration without documents", config(withoutStores), 1, []string{"stores.openSearch"}},
		{"configuration of a wrong type", config("retrieval: {topK: five}"), 1, []string{"retrieval.topK"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			args := append(slices.Clone(tt.args), "--listen", "203.0.113.1:1", "--data-dir", t.TempDir())
			if code := run(t.Context(), args, noEnvironment, &stdout, &stderr); code != tt.code {
				t.Errorf("exit code %d, want %d: %s", code, tt.code, stderr.String())
			}
			for _, part := range tt.says {
				if !strings.Contains(stderr.String(), part) {
					t.Errorf("%q does not name %s", stderr.String(), part)
				}
			}
			if strings.Contains(stderr.String(), "canary") {
				t.Errorf("%q holds a secret", stderr.String())
			}
			if strings.Contains(stdout.String(), "server_started") {
				t.Error("it listened")
			}
		})
	}
}

// output may be read while it is written.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

// WriteString adds to the output.
func (o *output) WriteString(text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.WriteString(text)
}

// String is the output so far.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// running is a server in this process.
type running struct {
	url, admin string
	code       chan int
	stop       context.CancelFunc
	// output is everything that the server wrote; complete after its end.
	output *output
	logged chan struct{}
}

func startAlone(t *testing.T, manifest, dir string) *running {
	t.Helper()
	return startWith(t, noEnvironment, "--manifest", manifest, "--data-dir", dir)
}

func startWith(t *testing.T, getenv func(string) string, args ...string) *running {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	reader, writer := io.Pipe()
	r := &running{code: make(chan int, 1), stop: stop, output: &output{}, logged: make(chan struct{})}
	go func() {
		code := run(ctx, append(args, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"), getenv, logtest.Writer(t, writer), writer)
		_ = writer.Close()
		r.code <- code
	}()
	lines := bufio.NewScanner(reader)
	for r.url == "" && lines.Scan() {
		var line struct {
			Event, Listen string
			AdminListen   string `json:"admin_listen"`
		}
		r.output.WriteString(lines.Text() + "\n")
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Event == "server_started" {
			r.url, r.admin = "http://"+line.Listen, "http://"+line.AdminListen
		}
	}
	if r.url == "" {
		t.Fatalf("the server did not start: %s", r.output)
	}
	go func() {
		defer close(r.logged)
		for lines.Scan() {
			r.output.WriteString(lines.Text() + "\n")
		}
	}()
	return r
}

func (r *running) end(t *testing.T) {
	t.Helper()
	r.stop()
	select {
	case code := <-r.code:
		<-r.logged
		if code != 0 {
			t.Errorf("exit code %d after a drain, want 0: %s", code, r.output)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the server does not end")
	}
}

func (r *running) post(t *testing.T, path, key, body string) (int, http.Header, map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var decoded map[string]any
	if err := json.NewDecoder(response.Body).Decode(&decoded); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, decoded
}

func (r *running) get(t *testing.T, url string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	return response.StatusCode
}

func generatedKey(t *testing.T, dir, role string) string {
	t.Helper()
	file := filepath.Join(dir, keysFileName)
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the keys' file has mode %o, want 600", info.Mode().Perm())
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var keys map[string]struct{ Key string }
	if err := json.Unmarshal(raw, &keys); err != nil {
		t.Fatal(err)
	}
	return keys[role].Key
}

func TestAlone(t *testing.T) {
	dir, manifest := t.TempDir(), write(t, "m.yaml", smallest)
	r := startAlone(t, manifest, dir)
	admin, client := generatedKey(t, dir, "admin"), generatedKey(t, dir, "client")

	document := `{"id":"kites","text":"The red kite eats carrion. It nests in tall trees."}`
	if status, _, body := r.post(t, "/api/v1/documents", client, document); status != http.StatusForbidden {
		t.Errorf("a client may write: %d %v", status, body)
	}
	if status, _, body := r.post(t, "/api/v1/documents", admin, document); status != http.StatusOK || body["created"] != 1.0 {
		t.Fatalf("%d %v", status, body)
	}
	for _, want := range []string{"MISS", "HIT"} {
		status, header, body := r.post(t, "/api/v1/ask", client, `{"query":"Where does the kite nest?"}`)
		if status != http.StatusOK || header.Get("X-Cache") != want || !strings.Contains(body["answer"].(string), "tall trees") {
			t.Errorf("%d %s %v, want %s", status, header.Get("X-Cache"), body, want)
		}
	}
	if status := r.get(t, r.admin+"/readyz"); status != http.StatusOK {
		t.Errorf("readyz: %d", status)
	}
	r.end(t)
	for _, secret := range []string{admin, client} {
		if strings.Contains(r.output.String(), secret) {
			t.Error("a key is in the log")
		}
	}

	// Documents and keys are there after a restart.
	again := startAlone(t, manifest, dir)
	if _, _, body := again.post(t, "/api/v1/search", client, `{"query":"kite"}`); body["total"] != 1.0 {
		t.Errorf("after a restart: %v", body)
	}
	again.end(t)
}

// TestStoresAreClosedWhenListeningFails: the lock of the data folder would keep the second server out.
func TestStoresAreClosedWhenListeningFails(t *testing.T) {
	dir, manifest := t.TempDir(), write(t, "m.yaml", smallest)
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	var stdout, stderr bytes.Buffer
	args := []string{"--manifest", manifest, "--data-dir", dir, "--listen", taken.Addr().String(), "--admin-listen", "127.0.0.1:0"}
	if code := run(t.Context(), args, noEnvironment, &stdout, &stderr); code != 1 || !strings.Contains(stderr.String(), "--listen") {
		t.Fatalf("exit code %d, %s", code, stderr.String())
	}
	startAlone(t, manifest, dir).end(t)
}

func TestEnvironmentName(t *testing.T) {
	if got := environmentName("my-llm.prod", "api.key_1"); got != "RAG_SECRET_MY_LLM_PROD_API_KEY_1" {
		t.Error(got)
	}
}

// TestQuestionsAreAskedBeforeCallersDo: the first caller finds the answer cached after the documents have changed.
func TestQuestionsAreAskedBeforeCallersDo(t *testing.T) {
	t.Parallel()
	const question = "Where does the kite nest?"
	dir := t.TempDir()
	r := startAlone(t, write(t, "m.yaml", strings.Replace(smallest, "Extractive}}}", "Extractive}}, cache: {warm: {questions: ['"+question+"']}}}", 1)), dir)
	rounds := func(n int) func() bool {
		return func() bool { return strings.Count(r.output.String(), `"event":"cache_warmed"`) >= n }
	}
	await(t, "a round of questions after the start", rounds(1))
	document := `{"id":"kites","text":"The red kite eats carrion. It nests in tall trees."}`
	if status, _, body := r.post(t, "/api/v1/documents", generatedKey(t, dir, "admin"), document); status != http.StatusOK {
		t.Fatalf("%d %v", status, body)
	}
	await(t, "a round after the documents have changed", rounds(2))
	status, header, body := r.post(t, "/api/v1/ask", generatedKey(t, dir, "client"), `{"query":"`+question+`"}`)
	if status != http.StatusOK || header.Get("X-Cache") != "HIT" || body["chunks_used"] != 1.0 {
		t.Errorf("%d, X-Cache %q: %v, want the answer from the cache", status, header.Get("X-Cache"), body)
	}
	r.end(t)
}
