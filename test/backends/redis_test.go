package backends_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ragservice/ragservice-operator/test/backends"
)

// patience is how long a call may take: far longer than it does, since other work may hold the machine.
const patience = 30 * time.Second

func redisClient(t *testing.T, r *backends.RedisServer) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{
		Addr: r.Addr(), MaxRetries: -1, ContextTimeoutEnabled: true,
		DialTimeout: patience, ReadTimeout: patience,
	})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestRedisForgetsOnRestartAndKeepsItsAddress(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	client := redisClient(t, server)
	if err := client.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	address := server.Addr()
	server.Restart()
	if got := server.Addr(); got != address {
		t.Errorf("address after a restart: %s, want %s", got, address)
	}
	if n, err := client.Exists(t.Context(), "k").Result(); err != nil || n != 0 {
		t.Errorf("after a restart: %d keys, %v, want none", n, err)
	}
}

func TestRedisWithAppendOnlyFileRemembers(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t, "--appendonly", "yes", "--appendfsync", "always")
	client := redisClient(t, server)
	if err := client.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	if err := client.Ping(t.Context()).Err(); err == nil {
		t.Error("a killed server answered")
	}
	server.Restart()
	if v, err := client.Get(t.Context(), "k").Result(); err != nil || v != "v" {
		t.Errorf("after a crash: %q, %v, want the value written before", v, err)
	}
}

func TestRedisPauseAnswersAfterResume(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	client := redisClient(t, server)
	server.Pause()
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := client.Ping(short).Err(); err == nil || !os.IsTimeout(err) {
		t.Errorf("ping of a paused server: %v, want a timeout", err)
	}
	server.Resume()
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Errorf("ping of a resumed server: %v", err)
	}
}

func TestRedisTakesArguments(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t, "--requirepass", "secret")
	err := redisClient(t, server).Ping(t.Context()).Err()
	if err == nil || !strings.HasPrefix(err.Error(), "NOAUTH") {
		t.Errorf("ping without a password: %v, want NOAUTH", err)
	}
}
