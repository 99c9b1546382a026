package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
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

// TestRotatedKeys: the keys of a mounted Secret take effect while the server runs; a broken one changes nothing; and
// none is ever in the log.
func TestRotatedKeys(t *testing.T) {
	const old, rotated = "first-key-0123456789abcdef", "rotated-key-0123456789abcdef"
	secrets := t.TempDir()
	keys := filepath.Join(secrets, config.APIKeysSecretDir)
	if err := os.Mkdir(keys, 0o700); err != nil {
		t.Fatal(err)
	}
	set := func(name, value string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(keys, name), []byte(value), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	key := func(k string) string {
		return `{"key":"` + k + `","role":"client"}`
	}
	set("alice", key(old))
	r := startWith(t, noEnvironment, "--config", write(t, "config.yaml", elsewhere), "--secrets-dir", secrets)
	known := func(k string) bool {
		status, _, _ := r.post(t, "/api/v1/search", k, `{}`) // 422 for who is known, 401 for who is not
		return status == http.StatusUnprocessableEntity
	}
	until := func(what string, done func() bool) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal(what)
			}
		}
	}
	if !known(old) || known(rotated) {
		t.Fatal("the keys at the start are not those of the Secret")
	}
	set("alice", key(rotated))
	until("the new key is not known", func() bool { return known(rotated) })
	if known(old) {
		t.Error("the old key is still known")
	}
	set("broken", `{"key":"canary-short"}`)
	until("broken keys are not told", func() bool { return strings.Contains(r.output.String(), `"event":"keys_rejected"`) })
	if !known(rotated) {
		t.Error("a broken key took the others away")
	}
	r.end(t)
	for _, secret := range []string{old, rotated, "canary-short"} {
		if strings.Contains(r.output.String(), secret) {
			t.Errorf("%s is in the log", secret)
		}
	}
}
