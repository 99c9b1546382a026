package cache_test

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// page is what a search finds by default: five passages of 600 words, 20 kB.
func page(context.Context, rag.Query) (rag.Retrieval, error) {
	return found(strings.Repeat("word. ", 600), "a", "b", "c", "d", "e"), nil
}

func BenchmarkLocalHit(b *testing.B) {
	f := newFixture(b)
	f.backend.retrieve = page
	if _, err := f.retriever.Retrieve(b.Context(), query("acme", "q")); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		hit(b, f, query("acme", "q"))
	}
}

// BenchmarkRedisHit goes round so many results that memory, which is cut to nothing, has dropped each when its turn comes.
func BenchmarkRedisHit(b *testing.B) {
	const results = 200
	server := backends.Redis(b)
	first := newFixture(b, withRedis(guarded(b, server)))
	first.backend.retrieve = page
	queries := make([]rag.Query, results)
	for i := range queries {
		queries[i] = query("acme", strconv.Itoa(i))
		if _, err := first.retriever.Retrieve(b.Context(), queries[i]); err != nil {
			b.Fatal(err)
		}
	}
	first.close(b)
	f := newFixture(b, withRedis(guarded(b, server)), sharing(first))
	f.configure(func(c *config.Cache) { c.LocalMaxBytes = 1 })
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		hit(b, f, queries[n%results])
		n++
	}
	b.ReportMetric(100*float64(f.lookedUp("search redis hit"))/float64(n), "%redis")
}

func hit(b *testing.B, f *fixture, q rag.Query) {
	b.Helper()
	got, err := f.retriever.Retrieve(b.Context(), q)
	if err != nil || got.Cache.Outcome != rag.CacheHit {
		b.Fatalf("%v, %v", got.Cache, err)
	}
}
