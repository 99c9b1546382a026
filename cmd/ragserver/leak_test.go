package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/opensearch"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// TestNobodyIsShownWhatIsNotTheirs has callers of two tenants and three groups search and ask through two servers with a shared Redis, while
// documents change hands, caches are invalidated and Redis is killed. Each document holds a canary that says who may read it.
func TestNobodyIsShownWhatIsNotTheirs(t *testing.T) {
	t.Parallel()
	redis := backends.Redis(t)
	index := "leak-" + strings.ToLower(rand.Text())
	servers := make([]*rag.Service, 2)
	for i := range servers {
		shared := resilience.NewRedis(resilience.RedisOptions{Address: redis.Addr()})
		t.Cleanup(func() { _ = shared.Close() })
		servers[i] = replicaOf(t, opensearch.Options{
			Config: config.OpenSearch{URLs: []string{backends.OpenSearch(t)}, Index: index}, Timeout: time.Minute,
		}, shared)
	}
	l := &leaks{servers: servers}
	for _, tenant := range []string{"acme", "umbrella"} {
		for n, groups := range [][]string{nil, {"red"}, {"green"}, {"blue"}, {"red", "blue"}} {
			l.write(t, tenant, fmt.Sprint("d", n), groups)
		}
	}
	const rounds, askers, each = 48, 4, 500
	admin := func(tenant string) rag.Identity { return rag.Identity{Tenant: tenant, Role: rag.RoleAdmin} }
	for n := range rounds {
		var asking sync.WaitGroup
		for range askers {
			asking.Go(func() {
				for range each {
					l.ask(t)
				}
			})
		}
		tenant := []string{"acme", "umbrella"}[n/4%2]
		switch n % 4 {
		case 0, 3:
			l.write(t, tenant, "d4", [][]string{{"red"}, {"green"}, nil}[n%3])
		case 1:
			if _, err := servers[n/8%2].Invalidate(t.Context(), admin(tenant), rag.InvalidateRequest{All: true}); err != nil {
				t.Error(err)
			}
		case 2:
			redis.Kill()
			redis.Restart()
		}
		asking.Wait()
	}
	const requests = rounds * askers * each
	t.Logf("%d requests beside %d changes, %d of them answered by the cache, %d texts shown", requests, rounds, l.hits.Load(), l.shown.Load())
	if l.hits.Load() == 0 || l.shown.Load() < requests {
		t.Error("too little was put to the test")
	}
}

// leaks looks for what is shown to those whom it is not for.
type leaks struct {
	servers     []*rag.Service
	hits, shown atomic.Int64

	// mu is held for reading by a request, and for writing while a document changes hands: what is right then is known.
	mu sync.RWMutex
}

// write gives a document to groups of a tenant. Its text names them.
func (l *leaks) write(t *testing.T, tenant, id string, groups []string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	text := fmt.Sprintf("The flutter of thin panels. The canary sings for tenant-%s and for-%s.", tenant, strings.Join(append(groups, "nobody-else"), " for-"))
	if groups == nil {
		text = fmt.Sprintf("The flutter of thick panels. The canary sings for tenant-%s and for-everybody.", tenant)
	}
	sent := false
	next := func() (rag.Document, error) {
		if sent {
			return rag.Document{}, io.EOF
		}
		sent = true
		return rag.Document{ID: id, Text: text, Access: &rag.Access{Groups: groups}}, nil
	}
	admin := rag.Identity{Tenant: tenant, Role: rag.RoleAdmin}
	server := l.servers[mathrand.IntN(len(l.servers))]
	if _, err := server.Ingest(t.Context(), admin, next, func(r rag.DocumentResult) error { return r.Err }, rag.IngestOptions{Refresh: true}); err != nil {
		t.Error(err)
	}
}

// ask searches or asks as somebody, and looks at what is shown.
func (l *leaks) ask(t *testing.T) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	id := rag.Identity{Tenant: []string{"acme", "umbrella"}[mathrand.IntN(2)], Role: rag.RoleClient}
	for _, group := range []string{"red", "green", "blue"} {
		if mathrand.IntN(3) == 0 {
			id.Groups = append(id.Groups, group)
		}
	}
	server := l.servers[mathrand.IntN(len(l.servers))]
	query := []string{"flutter", "panels", "canary"}[mathrand.IntN(3)]
	var texts []string
	var cache rag.CacheInfo
	if mathrand.IntN(2) == 0 {
		found, err := server.Search(context.WithoutCancel(t.Context()), id, rag.SearchRequest{Query: query}, rag.RequestOptions{})
		if err != nil {
			t.Error(err)
			return
		}
		for _, hit := range found.Hits {
			texts = append(texts, hit.Text)
		}
		if cache = found.Cache; found.Total != len(found.Hits) {
			t.Errorf("%d are counted, %d shown", found.Total, len(found.Hits))
		}
	} else {
		answer, err := server.Ask(context.WithoutCancel(t.Context()), id, rag.AskRequest{Query: query}, rag.RequestOptions{})
		if err != nil {
			t.Error(err)
			return
		}
		texts, cache = append(texts, answer.Text), answer.Cache
		for _, c := range answer.Citations {
			texts = append(texts, c.Quote)
		}
	}
	if cache.Outcome == rag.CacheHit {
		l.hits.Add(1)
	}
	for _, text := range texts {
		l.shown.Add(1)
		if fault := notFor(id, text); fault != "" {
			t.Errorf("%+v is shown %q (%s): %s", id, text, cache.Outcome, fault)
		}
	}
}

// notFor says why somebody may not read a text with canaries; empty when they may.
func notFor(id rag.Identity, text string) string {
	for _, tenant := range []string{"acme", "umbrella"} {
		if tenant != id.Tenant && strings.Contains(text, "tenant-"+tenant) {
			return "it is of another tenant"
		}
	}
	if !strings.Contains(text, "nobody-else") {
		return ""
	}
	for line := range strings.SplitSeq(text, ".") {
		if strings.Contains(line, "nobody-else") && !slices.ContainsFunc(id.Groups, func(group string) bool { return strings.Contains(line, "for-"+group) }) {
			return "it is of other groups"
		}
	}
	return ""
}
