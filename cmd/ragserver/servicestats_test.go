package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/test/backends"
)

const statsManifest = `
apiVersion: ragservice.dev/v1alpha1
kind: RAGService
metadata: {name: papers}
spec:
  models: {llm: {provider: Extractive}}
  auth: {apiKeysSecretRef: {name: callers}}
  redis: {external: {addresses: ['%s']}}
  rateLimits: {endpoints: [{name: stats, requestsPerMinute: 1000000, burst: 1000000}, {name: search, requestsPerMinute: 1000000, burst: 1000000}]}
---
apiVersion: v1
kind: Secret
metadata: {name: callers}
stringData:
  admin: '{"key": "` + canaryAdmin + `", "role": "admin", "tenant": "a"}'
  ann: '{"key": "` + canaryAnn + `", "tenant": "a"}'
  ben: '{"key": "` + canaryBen + `", "tenant": "b"}'
`

// serviceStats is what the test reads of GET stats?scope=service.
type serviceStats struct {
	Tenant   string
	Replicas struct {
		Running, Ended int
		Complete       bool
	}
	SinceStart struct {
		Cache struct {
			Hits, Misses int64
			ByKind       []struct {
				Kind    string
				ByLayer []struct {
					Layer        string
					Hits, Misses int64
				} `json:"by_layer"`
			} `json:"by_kind"`
		}
		Feedback struct{ Positive, Neutral, Negative int64 }
	} `json:"since_start"`
	TopQueries *struct {
		SinceStart []struct {
			QueryHash string `json:"query_hash"`
			Query     string
			Count     int64
		} `json:"since_start"`
	} `json:"top_queries"`
}

// statsOf asks a server for the figures of the service.
func statsOf(t *testing.T, url, key string) (s serviceStats) {
	t.Helper()
	if status := (killClient{url: url, key: key}).send(t.Context(), http.MethodGet, "/stats?scope=service", "", &s); status != http.StatusOK {
		t.Fatalf("stats: %d", status)
	}
	return s
}

func searchFor(t *testing.T, url, key, query string) {
	t.Helper()
	var answer any
	body := fmt.Sprintf(`{"query":%q}`, query)
	if status := (killClient{url: url, key: key}).send(t.Context(), http.MethodPost, "/search", body, &answer); status != http.StatusOK {
		t.Fatalf("a search gave %d", status)
	}
}

// awaitStats waits until a server tells of so many searches and servers.
func awaitStats(t *testing.T, url, key string, searches int64, running, ended int, complete bool) serviceStats {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		s := statsOf(t, url, key)
		r := s.Replicas
		if s.SinceStart.Cache.Hits+s.SinceStart.Cache.Misses == searches && r.Running == running && r.Ended == ended && r.Complete == complete {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("it tells %+v, want %d searches, %d and %d servers, complete %t", s, searches, running, ended, complete)
		}
	}
}

// TestStatsOfTheService has two servers on one Redis: each tells the figures of both, to each tenant its own. One is killed and started
// again: what it has counted stays, once. While Redis hangs they tell their own. No text of a question is in Redis.
func TestStatsOfTheService(t *testing.T) {
	redis := backends.Redis(t)
	manifest := fmt.Sprintf(statsManifest, redis.Addr())
	dir := t.TempDir()
	first, url, _ := startProgramOf(t, manifest, dir)
	_, other, _ := startProgramOf(t, manifest, t.TempDir())
	for each, score := range map[string]string{url: "1", other: "-1"} {
		var answer any
		body := `{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","score":` + score + `}`
		if status := (killClient{url: each, key: canaryAnn}).send(t.Context(), http.MethodPost, "/feedback", body, &answer); status != http.StatusOK {
			t.Fatalf("feedback gave %d", status)
		}
	}
	for range 3 {
		searchFor(t, url, canaryAnn, "the canary of ann")
	}
	searchFor(t, other, canaryAnn, "the canary of ann")
	searchFor(t, other, canaryBen, "the canary of ben")
	for _, each := range []string{url, other} {
		s := awaitStats(t, each, canaryAdmin, 4, 2, 0, true)
		if s.TopQueries == nil || len(s.TopQueries.SinceStart) != 1 || s.TopQueries.SinceStart[0].QueryHash == "" || s.TopQueries.SinceStart[0].Query != "" {
			t.Errorf("an administrator of a is told %+v", s.TopQueries)
		}
		if f := s.SinceStart.Feedback; f.Positive != 1 || f.Negative != 1 || f.Neutral != 0 {
			t.Errorf("feedback of both servers: %+v", f)
		}
		layers := s.SinceStart.Cache.ByKind[0].ByLayer
		if layers[0].Layer != "local" || layers[0].Hits != 2 || layers[0].Misses != 2 || layers[2].Misses != 2 {
			t.Errorf("by layer: %+v", layers)
		}
		if s := awaitStats(t, each, canaryBen, 1, 2, 0, true); s.TopQueries != nil || s.Tenant != "b" {
			t.Errorf("a client of b is told %+v", s)
		}
	}

	first.End(syscall.SIGKILL, time.Minute)
	_, url, _ = startProgramOf(t, manifest, dir)
	searchFor(t, url, canaryAnn, "the canary of ann")
	for _, each := range []string{url, other} {
		awaitStats(t, each, canaryAdmin, 5, 2, 1, true)
	}

	silentRedis(t, redis)
	redis.Pause()
	awaitStats(t, url, canaryAdmin, 1, 1, 0, false)
	redis.Resume()
	awaitStats(t, url, canaryAdmin, 5, 2, 1, true)
}

// silentRedis wants no word of a question in what Redis holds.
func silentRedis(t *testing.T, redis *backends.RedisServer) {
	t.Helper()
	keys, err := redis.Ask("keys", "rag:{default/papers}:stats:*")
	if err != nil || keys == "" {
		t.Fatalf("keys %q, %v", keys, err)
	}
	silent(t, "the keys of Redis", keys)
	for key := range strings.Lines(keys) {
		value, err := redis.Ask("get", strings.TrimSpace(key))
		if err != nil {
			t.Fatal(err)
		}
		quoted, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		silent(t, key, string(quoted))
	}
}
