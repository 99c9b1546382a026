package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// elsewhere is a valid configuration whose documents are in an OpenSearch that does not answer: who asks is known anyway.
const elsewhere = `
service: {namespace: library, name: papers, replicas: 1}
stores: {openSearch: {urls: ["http://127.0.0.1:1"], index: papers}}
llm: {provider: Extractive}
retrieval: {topK: 5, maxTopK: 50, chunking: {words: 160, overlapWords: 30}}
cache: {enabled: false, ttlSearch: 1h, ttlLLM: 1h, localMaxBytes: 1048576}
rateLimits: {defaultTier: free}
auth: {mode: APIKey}
logging: {level: INFO}
`

// keysFolder is a mounted Secret of API keys, for --secrets-dir.
type keysFolder struct {
	t       *testing.T
	secrets string
}

func newKeysFolder(t *testing.T) keysFolder {
	t.Helper()
	f := keysFolder{t, t.TempDir()}
	if err := os.Mkdir(f.path(""), 0o700); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f keysFolder) path(name string) string {
	return filepath.Join(f.secrets, config.APIKeysSecretDir, name)
}

func (f keysFolder) set(name, value string) {
	f.t.Helper()
	if err := os.WriteFile(f.path(name), []byte(value), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f keysFolder) setKey(name, key string) {
	f.t.Helper()
	f.set(name, `{"key":"`+key+`","role":"client"}`)
}

// keyed is a server that asks for keys.
type keyed struct {
	*running
	t *testing.T
}

func (f keysFolder) start() keyed {
	f.t.Helper()
	return keyed{startWith(f.t, noEnvironment, "--config", write(f.t, "config.yaml", elsewhere), "--secrets-dir", f.secrets), f.t}
}

func (k keyed) knows(key string) bool {
	k.t.Helper()
	status, _, _ := k.post(k.t, "/api/v1/search", key, `{}`) // 422 for who is known, 401 for who is not
	return status == http.StatusUnprocessableEntity
}

func (k keyed) eventually(what string, done func() bool) {
	k.t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			k.t.Fatal(what)
		}
	}
}

// events are the log's lines of an event, so far.
func (k keyed) events(event string) []map[string]any {
	k.t.Helper()
	var all []map[string]any
	for line := range strings.Lines(k.output.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err == nil && fields["event"] == event {
			all = append(all, fields)
		}
	}
	return all
}

// admin is what the admin port answers.
func (k keyed) admin(path string) string {
	k.t.Helper()
	request, err := http.NewRequestWithContext(k.t.Context(), http.MethodGet, k.running.admin+path, nil)
	if err != nil {
		k.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		k.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		k.t.Fatal(err)
	}
	return string(body)
}

// refused checks how many entries the server says it does not use.
func (k keyed) refused(metric, statusz string) {
	k.t.Helper()
	for path, want := range map[string]string{"/metrics": "\nragservice_api_keys_refused " + metric + "\n", "/statusz": statusz} {
		if body := k.admin(path); !strings.Contains(body, want) {
			k.t.Errorf("%s does not hold %q", path, want)
		}
	}
}

const firstKey, rotatedKey, laterKey = "first-key-0123456789abcdef", "rotated-key-0123456789abcdef", "later-key-0123456789abcdef"

// TestRotatedKeys: the keys of a mounted Secret take effect while the server runs, and none is ever in the log.
func TestRotatedKeys(t *testing.T) {
	t.Parallel()
	folder := newKeysFolder(t)
	folder.setKey("alice", firstKey)
	r := folder.start()
	if !r.knows(firstKey) || r.knows(rotatedKey) {
		t.Fatal("the keys at the start are not those of the Secret")
	}
	folder.setKey("alice", rotatedKey)
	r.eventually("the new key is not known", func() bool { return r.knows(rotatedKey) })
	if r.knows(firstKey) {
		t.Error("the old key is still known")
	}
	r.end(t)
	for _, secret := range []string{firstKey, rotatedKey} {
		if strings.Contains(r.output.String(), secret) {
			t.Errorf("%s is in the log", secret)
		}
	}
}

// TestABadKeyTakesNoOtherAway: not at the start and not while the server runs; it is told by its name, never its value.
func TestABadKeyTakesNoOtherAway(t *testing.T) {
	t.Parallel()
	folder := newKeysFolder(t)
	folder.setKey("alice", firstKey)
	folder.setKey("broken", "canary-short")
	folder.setKey("mallory", firstKey) // another's
	r := folder.start()
	if !r.knows(firstKey) {
		t.Fatal("a bad entry keeps the others from being known")
	}
	r.refused("2", `"refusedKeys":2`)
	folder.set("broken", "canary: of another kind")
	folder.setKey("mallory", laterKey)
	r.eventually("a key is not taken up beside a bad one", func() bool { return r.knows(laterKey) })
	r.refused("1", `"refusedKeys":1`)
	r.end(t)
	var told []string
	for _, e := range r.events("key_refused") {
		told = append(told, e["level"].(string)+" "+e["entry"].(string))
	}
	if diff := cmp.Diff([]string{"WARNING broken", "WARNING mallory", "WARNING broken"}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	for _, secret := range []string{firstKey, laterKey, "canary"} {
		if strings.Contains(r.output.String(), secret) {
			t.Errorf("%s is in the log", secret)
		}
	}
}

// TestKeysStayWithoutAUsableOne: a Secret that has none, or that is gone, locks nobody out.
func TestKeysStayWithoutAUsableOne(t *testing.T) {
	t.Parallel()
	folder := newKeysFolder(t)
	folder.setKey("alice", firstKey)
	r := folder.start()
	folder.setKey("alice", "canary-short")
	r.eventually("it is not told", func() bool { return len(r.events("keys_rejected")) == 1 })
	r.refused("1", `"refusedKeys":1`)
	if err := os.RemoveAll(folder.path("")); err != nil {
		t.Fatal(err)
	}
	r.eventually("it is not told that there is no entry", func() bool { return len(r.events("keys_rejected")) == 2 })
	if !r.knows(firstKey) {
		t.Error("the caller of before is locked out")
	}
	r.end(t)
	if strings.Contains(r.output.String(), "canary") {
		t.Error("a bad entry's value is in the log")
	}
}

// TestFormerKeysStayOutOfTheLog: a key that was known once may still be in a caller's hands.
func TestFormerKeysStayOutOfTheLog(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	srv := &server{source: config.Fixed(config.Config{}), log: logging.New(&text), metrics: telemetry.NewMetrics("test")}
	for _, key := range []string{firstKey, rotatedKey, laterKey} {
		srv.keysReloaded(config.KeySet{Keys: []config.APIKey{{Name: "alice", Key: key}}}, nil)
	}
	for _, key := range []string{firstKey, rotatedKey, laterKey} {
		srv.log.Write(t.Context(), logging.ConfigFieldIgnored{Field: key})
	}
	if strings.Contains(text.String(), "-key-") {
		t.Errorf("a key is in the log: %s", text.String())
	}
}
