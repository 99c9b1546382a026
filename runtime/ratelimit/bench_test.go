package ratelimit_test

import (
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/ratelimit"
	"github.com/ragservice/ragservice-operator/test/backends"
)

func BenchmarkLocal(b *testing.B) {
	benchmark(b, ratelimit.New(ratelimit.Options{Service: replicas(1)}))
}

func BenchmarkRedis(b *testing.B) {
	benchmark(b, redisLimiter(b, backends.Redis(b), 1, patience))
}

func benchmark(b *testing.B, l *ratelimit.Limiter) {
	b.Helper()
	b.ReportAllocs()
	ctx, ask := b.Context(), limit(1_000_000, 1_000_000)
	for b.Loop() {
		l.Take(ctx, of("alice", ask))
	}
}
