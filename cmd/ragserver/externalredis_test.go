package main

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/telemetry"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// TestManifestWithAnExternalRedis runs alone with a Redis, as a user with a password: results and buckets are in it. Then Redis takes no
// writes, because its memory is full or because it is a replica: callers are answered, each refusal is counted, and Redis is used again by
// itself. That it may evict buckets is told once.
func TestManifestWithAnExternalRedis(t *testing.T) {
	redis := backends.Redis(t, "--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lfu")
	ask := func(command ...string) string {
		t.Helper()
		said, err := redis.Ask(command...)
		if err != nil {
			t.Fatal(err)
		}
		return said
	}
	ask(documentedUser(t)...)
	manifest := fmt.Sprintf(`
apiVersion: ragservice.dev/v1alpha1
kind: RAGService
metadata: {name: papers}
spec:
  models: {llm: {provider: Extractive}}
  redis: {external: {addresses: ['%s'], authSecretRef: {name: redis}}}
---
apiVersion: v1
kind: Secret
metadata: {name: redis}
stringData: {username: papers, password: %s}
`, redis.Addr(), passwordOfRedis)
	dir := t.TempDir()
	r := startAlone(t, write(t, "ragservice.yaml", manifest), dir)
	key := generatedKey(t, dir, "admin")
	upload(t, r, key)
	awaitRedis(t, r, telemetry.DependencyUp)
	search := func() {
		t.Helper()
		status, header, body := r.post(t, "/api/v1/search", key, `{"query":"kite `+strings.ToLower(rand.Text())+`"}`)
		if status != http.StatusOK || header.Get("X-RateLimit-Limit") == "" {
			t.Fatalf("%d %v %v", status, header, body)
		}
	}
	eventually := func(what string, ok func() bool) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("not within 30 s: %s", what)
			}
		}
	}
	search()
	eventually("a result and a bucket in Redis", func() bool {
		keys := ask("keys", "*")
		return strings.Contains(keys, "rag:default/papers:0:search:") && strings.Contains(keys, "rag:{default/papers}:limit:search:")
	})
	eventually("it is told that buckets may be evicted", func() bool { return r.statusz(t).RedisStateEvicts })

	for outcome, change := range map[string][2][]string{
		"oom":      {{"config", "set", "maxmemory", "1", "maxmemory-policy", "noeviction"}, {"config", "set", "maxmemory", "0"}},
		"readonly": {{"replicaof", "127.0.0.1", "1"}, {"replicaof", "no", "one"}},
	} {
		ask(change[0]...)
		eventually("calls end as "+outcome, func() bool {
			search()
			calls, _ := redisCalls(t, r)
			return calls[outcome] >= 3
		})
		awaitRedis(t, r, telemetry.DependencyUp) // it answers what is read
		ask(change[1]...)
		before, _ := redisCalls(t, r)
		eventually("Redis is used again", func() bool {
			search()
			calls, _ := redisCalls(t, r)
			return calls["ok"] >= before["ok"]+10
		})
	}
	r.end(t)
	if n := strings.Count(r.output.String(), `"redis_eviction_unsafe"`); n != 1 {
		t.Errorf("the log tells %d times that buckets may be evicted", n)
	}
	if strings.Contains(r.output.String(), passwordOfRedis) {
		t.Error("the log has the password")
	}
}

// TestManifestWithoutThePasswordOfRedis is refused with the field, and what to do.
func TestManifestWithoutThePasswordOfRedis(t *testing.T) {
	file := write(t, "ragservice.yaml", "apiVersion: ragservice.dev/v1alpha1\nkind: RAGService\nmetadata: {name: papers}\nspec:\n"+
		"  models: {llm: {provider: Extractive}}\n  redis: {external: {addresses: ['a:1'], authSecretRef: {name: redis}}}\n")
	_, err := options{manifest: file, dataDir: t.TempDir()}.load(noEnvironment)
	for _, word := range []string{"spec.redis.external.authSecretRef", `"password"`, "RAG_SECRET_REDIS_PASSWORD"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("it says %v, want %s", err, word)
		}
	}
}
