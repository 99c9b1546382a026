package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
	"github.com/ragservice/ragservice-operator/test/backends"
	"github.com/ragservice/ragservice-operator/test/openaitest"
)

const passwordOfRedis = "password-of-the-user-of-redis"

// documentedUser is the command of docs/cache.md that makes the user of Redis.
func documentedUser(t *testing.T) []string {
	t.Helper()
	page, err := os.ReadFile("../../docs/cache.md")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^ACL SETUSER papers .*$`).FindString(string(page))
	if line == "" {
		t.Fatal("the page has no user")
	}
	return strings.Fields(strings.Replace(line, ">PASSWORD", ">"+passwordOfRedis, 1))
}

// startAsUser runs a server as the documented user of Redis.
func startAsUser(t *testing.T, redis, key string) *running {
	t.Helper()
	keys := newKeysFolder(t)
	keys.set("root", `{"key":"`+key+`","role":"admin"}`)
	for _, dir := range []string{config.RedisSecretDir, config.RedisStateSecretDir} {
		for name, value := range map[string]string{config.RedisUsernameFile: "papers", config.RedisPasswordFile: passwordOfRedis} {
			file := filepath.Join(keys.secrets, dir, name)
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(value), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	model := openaitest.New(t)
	model.Answer(func(openaitest.ChatRequest) string { return "Carrion [1]." })
	settings := strings.Replace(withRedis(t, redis), "llm: {provider: Extractive}", fmt.Sprintf(
		"llm: {provider: OpenAI, model: m, baseURL: '%s', maxTokens: 10, contextTokens: 8192, timeout: 30s, idleTimeout: 30s}\nbudgets: {service: {dailyTokens: 1000000000}}",
		model.BaseURL()), 1)
	return startWith(t, noEnvironment, "--config", write(t, "config.yaml", settings), "--secrets-dir", keys.secrets)
}

// useRedis has the server do what it does with Redis, but for what takes seconds or a caller who is refused.
func useRedis(t *testing.T, r *running, key string) {
	t.Helper()
	for _, request := range [][2]string{
		{"/api/v1/search", `{"query":"red kite"}`},
		{"/api/v1/search", `{"query":"red kite"}`},
		{"/api/v1/ask", `{"query":"what does the red kite eat"}`},
		{"/api/v1/cache/invalidate", `{"all":true}`},
	} {
		if status, _, answer := r.post(t, request[0], key, request[1]); status != http.StatusOK {
			t.Fatalf("%s: %d %v", request[0], status, answer)
		}
	}
}

var refusedCalls = regexp.MustCompile(`(?m)^ragservice_redis_operation_duration_seconds_count\{.*outcome="auth".*\} (\d+)$`)

// refusals are the calls that Redis has not let the user make, pings too.
func refusals(t *testing.T, r *running) (all int) {
	t.Helper()
	for _, line := range refusedCalls.FindAllStringSubmatch(r.metrics(t), -1) {
		n, err := strconv.Atoi(line[1])
		if err != nil {
			t.Fatal(err)
		}
		all += n
	}
	return all
}

// TestDocumentedUserOfRedisMayDoWhatServersDo and no more: without any one of its commands some call is refused. (DEL, PEXPIRE and PTTL are for
// claims of work that takes long, and for callers who are refused after their limit was lowered; HDEL for reservations of ten minutes ago.)
func TestDocumentedUserOfRedisMayDoWhatServersDo(t *testing.T) {
	const key = "key-of-the-administrator-0123456789"
	user := documentedUser(t)
	redis := backends.Redis(t)
	ask := func(command ...string) {
		t.Helper()
		if _, err := redis.Ask(command...); err != nil {
			t.Fatal(err)
		}
	}
	ask(user...)
	r := startAsUser(t, "{address: '"+redis.Addr()+"'}", key)
	defer r.end(t)
	upload(t, r, key)
	awaitRedis(t, r, telemetry.DependencyUp)
	for range 3 {
		useRedis(t, r, key)
	}
	if status := r.document(t, http.MethodDelete, "kites", key); status != http.StatusNoContent {
		t.Fatalf("deletion: %d", status)
	}
	upload(t, r, key)
	if n := refusals(t, r); n > 0 {
		t.Fatalf("%d calls were refused", n)
	}
	for _, right := range user[3:] {
		command, ok := strings.CutPrefix(right, "+")
		if !ok || slices.Contains([]string{"del", "hdel", "pexpire", "pttl", "info", "cluster|slots"}, command) {
			continue // INFO is asked once, the slots by clients of a Cluster
		}
		before := refusals(t, r)
		ask("acl", "setuser", "papers", "-"+command)
		for deadline := time.Now().Add(time.Minute); refusals(t, r) == before; {
			if time.Now().After(deadline) {
				t.Fatalf("nothing is refused without %s", command)
			}
			useRedis(t, r, key)
		}
		ask("acl", "setuser", "papers", "+"+command)
		awaitRedis(t, r, telemetry.DependencyUp)
	}
}

// TestDocumentedUserOfACluster asks nodes for their slots.
func TestDocumentedUserOfACluster(t *testing.T) {
	const key = "key-of-the-administrator-0123456789"
	user := documentedUser(t)
	cluster := backends.NewRedisCluster(t, false)
	for _, node := range cluster.Primaries {
		if _, err := node.Ask(user...); err != nil {
			t.Fatal(err)
		}
	}
	r := startAsUser(t, "{cluster: ['"+cluster.Addresses()[0]+"']}", key)
	defer r.end(t)
	upload(t, r, key)
	awaitRedis(t, r, telemetry.DependencyUp)
	for range 3 {
		useRedis(t, r, key)
	}
	if n := refusals(t, r); n > 0 {
		t.Errorf("%d calls were refused", n)
	}
}
