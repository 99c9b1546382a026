package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/httpapi"
	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/middleware"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/ratelimit"
	"github.com/ragservice/ragservice-operator/runtime/stats"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
	"github.com/ragservice/ragservice-operator/test/logtest"
)

const replicaKey = "a-key-of-an-administrator"

// httpReplica is a replica as its clients see it.
type httpReplica struct{ url string }

// newHTTPReplicas are two servers of a service: each with a cache, on one new index.
func newHTTPReplicas(t *testing.T) []httpReplica {
	t.Helper()
	index := "replicas-" + strings.ToLower(rand.Text())
	return []httpReplica{serveReplica(t, newReplica(t, index)), serveReplica(t, newReplica(t, index))}
}

// serveReplica puts HTTP before a pipeline, for an administrator of one tenant.
func serveReplica(t *testing.T, service *rag.Service) httpReplica {
	t.Helper()
	keys := &middleware.Keyring{}
	keys.Replace([]config.APIKey{{Key: replicaKey, Name: "admin", Tenant: "t", Role: "admin"}})
	settings := &config.Config{Auth: config.Auth{Mode: config.AuthAPIKey}}
	api := &httpapi.API{
		Service: service,
		Authentication: &middleware.Authentication{
			Mode:  func() config.AuthMode { return config.AuthAPIKey },
			Modes: map[config.AuthMode]middleware.Authenticator{config.AuthAPIKey: keys},
		},
		Limiter: ratelimit.New(ratelimit.Options{Service: func() config.Service { return config.Service{Replicas: 2} }}),
		Config:  func() *config.Config { return settings },
		Log:     logging.New(logtest.Writer(t, io.Discard)),
		Metrics: telemetry.NewMetrics("test"),
		Traffic: telemetry.NewTraffic(time.Now),
		Hasher:  logging.NewHasher([]byte("key of the test")),
		Replica: "server",
	}
	api.Stats = stats.New(stats.Options{
		Traffic:    api.Traffic,
		LogQueries: func() config.LogQueries { return config.LogQueriesHash },
	})
	server := httptest.NewServer(api.Handler())
	t.Cleanup(server.Close)
	return httpReplica{server.URL}
}

// post expects 200, reads the answer, and returns X-Cache.
func (r httpReplica) post(t *testing.T, path, body string, into any) (xCache string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-API-Key", replicaKey)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s %v", path, response.StatusCode, answer, err)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		t.Fatal(err)
	}
	return response.Header.Get("X-Cache")
}

// upload sends a document and returns how often it had each outcome.
func (r httpReplica) upload(t *testing.T, query, id, title string) (outcome struct{ Created, Updated, Unchanged int }) {
	t.Helper()
	r.post(t, "/api/v1/documents"+query, fmt.Sprintf(`{"id":%q,"title":%q,"text":"a flat plate"}`, id, title), &outcome)
	return outcome
}

// titles are those of the documents that a search shows, in order of the alphabet.
func (r httpReplica) titles(t *testing.T) []string {
	t.Helper()
	var found struct{ Hits []struct{ Title string } }
	r.post(t, "/api/v1/search", `{"query":"plate"}`, &found)
	var titles []string
	for _, hit := range found.Hits {
		titles = append(titles, hit.Title)
	}
	slices.Sort(titles)
	return titles
}

// TestUploadIsShownByEachReplicaAtOnce has both keep what they showed before.
func TestUploadIsShownByEachReplicaAtOnce(t *testing.T) {
	t.Parallel()
	replicas := newHTTPReplicas(t)
	shown := []string(nil)
	for round := range 4 {
		for i, replica := range replicas {
			if got := replica.titles(t); !slices.Equal(got, shown) {
				t.Errorf("round %d, before the upload: replica %d shows %q, want %q", round, i, got, shown)
			}
		}
		title := fmt.Sprint("version ", round)
		if outcome := replicas[round%2].upload(t, "", "a", title); outcome.Created+outcome.Updated != 1 {
			t.Fatalf("round %d: %+v", round, outcome)
		}
		shown = []string{title}
		for i, replica := range replicas {
			if got := replica.titles(t); !slices.Equal(got, shown) {
				t.Errorf("round %d: replica %d shows %q, want %q", round, i, got, shown)
			}
		}
	}
}

// TestPlainUploadShowsWhatCameBeforeItWithoutRefresh has uploads whose answers did not wait until they could be found.
func TestPlainUploadShowsWhatCameBeforeItWithoutRefresh(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		id, title string
		want      []string
	}{
		"another document":  {"b", "second", []string{"first", "second"}},
		"the same document": {"a", "first", []string{"first"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			replicas := newHTTPReplicas(t)
			for _, replica := range replicas {
				if got := replica.titles(t); got != nil {
					t.Errorf("an empty index shows %q", got)
				}
			}
			if outcome := replicas[0].upload(t, "?refresh=false", "a", "first"); outcome.Created != 1 {
				t.Fatalf("%+v", outcome)
			}
			if outcome := replicas[0].upload(t, "", test.id, test.title); outcome.Created+outcome.Unchanged != 1 {
				t.Fatalf("%+v", outcome)
			}
			for i, replica := range replicas {
				if got := replica.titles(t); !slices.Equal(got, test.want) {
					t.Errorf("replica %d shows %q, want %q", i, got, test.want)
				}
			}
		})
	}
}

// TestInvalidationReachesEachReplica: what any of them has kept is served by none of them once the invalidation was answered.
func TestInvalidationReachesEachReplica(t *testing.T) {
	t.Parallel()
	replicas := newHTTPReplicas(t)
	replicas[0].upload(t, "", "a", "first")
	search := func(want ...string) {
		t.Helper()
		for i, replica := range replicas {
			var found struct{ Total int }
			if got := replica.post(t, "/api/v1/search", `{"query":"plate"}`, &found); got != want[i] || found.Total != 1 {
				t.Errorf("replica %d: %s, %d found, want %s and 1", i, got, found.Total, want[i])
			}
		}
	}
	for _, body := range []string{`{"all":true}`, `{"kind":"search"}`, `{"document_id":"a"}`, `{"tenant":"t"}`} {
		search("MISS", "MISS")
		await(t, "both replicas answer from their caches", func() bool { // one that has not read the token for 500 ms searches anew
			var found struct{ Total int }
			return replicas[0].post(t, "/api/v1/search", `{"query":"plate"}`, &found) == "HIT" &&
				replicas[1].post(t, "/api/v1/search", `{"query":"plate"}`, &found) == "HIT"
		})
		var answer struct {
			Unlinked struct{ Search, Embedding, LLM int }
		}
		replicas[0].post(t, "/api/v1/cache/invalidate", body, &answer)
		if answer.Unlinked.Search != 1 || answer.Unlinked.LLM != 0 {
			t.Errorf("%s: unlinked %+v, want one search", body, answer.Unlinked)
		}
	}
	search("MISS", "MISS")
	var answer struct{ Unlinked struct{ Search, LLM int } }
	replicas[1].post(t, "/api/v1/cache/invalidate", `{"kind":"llm"}`, &answer)
	await(t, "searches are served after answers were invalidated", func() bool {
		var found struct{ Total int }
		return replicas[0].post(t, "/api/v1/search", `{"query":"plate"}`, &found) == "HIT"
	})
}
