package cache_test

import (
	"context"
	"strings"
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// page is what a search finds by default: five passages of 600 words.
func page() rag.Retrieval {
	return found(strings.Repeat("word. ", 600), "a", "b", "c", "d", "e")
}

func BenchmarkLocalHit(b *testing.B) {
	f := newFixture(b)
	benchmark(b, f)
}

func BenchmarkRedisHit(b *testing.B) {
	f := newFixture(b, withRedis(guarded(b, backends.Redis(b), patience)))
	f.configure(func(c *config.Cache) { c.LocalMaxBytes = 1 }) // memory holds nothing
	benchmark(b, f)
}

func benchmark(b *testing.B, f *fixture) {
	b.Helper()
	ctx, q := b.Context(), query("acme", "q")
	f.backend.retrieve = func(context.Context, rag.Query) (rag.Retrieval, error) { return page(), nil }
	for {
		got, err := f.retriever.Retrieve(ctx, q)
		if err != nil {
			b.Fatal(err)
		}
		if got.Cache.Outcome == rag.CacheHit {
			break
		}
	}
	calls := f.backend.calls.Load()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.retriever.Retrieve(ctx, q); err != nil {
			b.Fatal(err)
		}
	}
	if got := f.backend.calls.Load(); got != calls {
		b.Errorf("%d searches were not hits", got-calls)
	}
}
