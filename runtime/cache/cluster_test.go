package cache_test

import (
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// TestServersShareWhatIsInACluster stores, finds and forgets: what belongs together is in several slots, so on several nodes.
func TestServersShareWhatIsInACluster(t *testing.T) {
	t.Parallel()
	b := backends.NewRedisCluster(t, false)
	client := func() *resilience.Redis {
		r := resilience.NewRedis(resilience.RedisOptions{Cluster: b.Addresses(), Key: "k", Timeout: patience})
		t.Cleanup(func() { _ = r.Close() })
		return r
	}
	questions := []string{"a", "b", "c", "d", "e", "f"}
	first := newFixture(t, withRedis(client()))
	for _, q := range questions {
		first.search(t, query("acme", q), rag.CacheMiss)
		first.answer(t, prompt("acme", q, "doc"), rag.CacheMiss)
	}
	first.close(t)

	second := newFixture(t, withRedis(client()), sharing(first))
	for _, q := range questions {
		second.search(t, query("acme", q), rag.CacheHit)
		second.answer(t, prompt("acme", q, "doc"), rag.CacheHit)
	}
	want := len(questions)
	if got := second.Forget(t.Context(), rag.Invalidation{Tenant: "acme", Kind: "search"}); got["search"] != want {
		t.Errorf("forgotten: %v, want %d searches", got, want)
	}
	second.close(t)
	third := newFixture(t, withRedis(client()), sharing(first))
	third.search(t, query("acme", "a"), rag.CacheMiss)
	third.answer(t, prompt("acme", "a", "doc"), rag.CacheHit)
}
