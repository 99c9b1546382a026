package cache_test

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// manyAnswers is more than one batch.
const manyAnswers = 600

// TestForgetDropsWhatIsMeant and counts it by kind: in Redis for all servers, in memory for one that stands alone.
func TestForgetDropsWhatIsMeant(t *testing.T) {
	t.Parallel()
	type counts = map[rag.CacheKind]int
	for name, tt := range map[string]struct {
		do   rag.Invalidation
		want counts
	}{
		"a tenant's":           {rag.Invalidation{Tenant: "acme"}, counts{"search": 2, "llm": manyAnswers + 1}},
		"a tenant's searches":  {rag.Invalidation{Tenant: "acme", Kind: rag.CacheSearch}, counts{"search": 2}},
		"a tenant's answers":   {rag.Invalidation{Tenant: "acme", Kind: rag.CacheLLM}, counts{"llm": manyAnswers + 1}},
		"a document's":         {rag.Invalidation{Tenant: "acme", DocumentID: "doc"}, counts{"search": 2, "llm": manyAnswers}},
		"a document's answers": {rag.Invalidation{Tenant: "acme", DocumentID: "other", Kind: rag.CacheLLM}, counts{"llm": 1}},
		"all":                  {rag.Invalidation{AllTenants: true, Tenant: "default"}, counts{"search": 3, "llm": manyAnswers + 2}},
		"all answers":          {rag.Invalidation{AllTenants: true, Kind: rag.CacheLLM}, counts{"llm": manyAnswers + 2}},
		"embeddings":           {rag.Invalidation{AllTenants: true, Kind: rag.CacheEmbedding}, counts{}},
		"an unknown tenant's":  {rag.Invalidation{Tenant: "nobody"}, counts{}},
	} {
		fill := func(t *testing.T, f *fixture) {
			t.Helper()
			for i := range manyAnswers {
				f.answer(t, prompt("acme", strconv.Itoa(i), "doc"), rag.CacheMiss)
			}
			f.answer(t, prompt("acme", "q", "other"), rag.CacheMiss)
			f.answer(t, prompt("umbrella", "q", "doc"), rag.CacheMiss)
			f.search(t, query("acme", "p"), rag.CacheMiss)
			f.search(t, query("acme", "q"), rag.CacheMiss)
			f.search(t, query("umbrella", "q"), rag.CacheMiss)
		}
		left := func() int {
			n := manyAnswers + 5
			for _, dropped := range tt.want {
				n -= dropped
			}
			return n
		}
		t.Run(name+" in memory", func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			fill(t, f)
			if diff := cmp.Diff(tt.want, f.Forget(t.Context(), tt.do)); diff != "" {
				t.Errorf("(-want +dropped):\n%s", diff)
			}
			if diff := cmp.Diff(counts{}, f.Forget(t.Context(), tt.do)); diff != "" {
				t.Errorf("again (-want +dropped):\n%s", diff)
			}
		})
		t.Run(name+" in redis", func(t *testing.T) {
			t.Parallel()
			server := backends.Redis(t)
			f := newFixture(t, withRedis(guarded(t, server)))
			f.configure(func(c *config.Cache) { c.LocalMaxBytes = 64 << 20 })
			for i := 0; i == 0 || len(keys(t, plain(t, server), "*:0:*")) < manyAnswers+5; i++ { // what finds the queue full is not written
				if i > 0 {
					f.close(t)
					f = newFixture(t, withRedis(guarded(t, server)))
				}
				for n := range manyAnswers {
					_, _ = f.generator.Generate(t.Context(), prompt("acme", strconv.Itoa(n), "doc"), func(rag.Piece) error { return nil })
				}
				for _, p := range []rag.Prompt{prompt("acme", "q", "other"), prompt("umbrella", "q", "doc")} {
					_, _ = f.generator.Generate(t.Context(), p, func(rag.Piece) error { return nil })
				}
				for _, q := range []rag.Query{query("acme", "p"), query("acme", "q"), query("umbrella", "q")} {
					_, _ = f.retriever.Retrieve(t.Context(), q)
				}
			}
			f.close(t)
			other := newFixture(t, withRedis(guarded(t, server)), sharing(f))
			if diff := cmp.Diff(tt.want, other.Forget(t.Context(), tt.do)); diff != "" {
				t.Errorf("(-want +dropped):\n%s", diff)
			}
			if got := len(keys(t, plain(t, server), "*:0:*")); got != left() {
				t.Errorf("%d entries are left in redis, want %d", got, left())
			}
		})
	}
}

// Answers are served under the tokens that they were written under, and no others, whatever memory and Redis hold.
func TestInvalidatedAnswersAreNotServed(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	f := newFixture(t, withRedis(guarded(t, server)))
	control := rag.NewControlDocument("i", "1")
	of := func(id string) rag.Prompt { return prompt("acme", "q", id) }
	f.answer(t, of("doc"), rag.CacheMiss)
	f.answer(t, of("other"), rag.CacheMiss)
	control.Invalidate(rag.Invalidation{Tenant: "acme", DocumentID: "doc"})
	f.documents.answers.Store(control.State("acme").Answers)
	f.answer(t, of("doc"), rag.CacheMiss)
	f.answer(t, of("doc"), rag.CacheHit)
	f.answer(t, of("other"), rag.CacheHit)
	control.Invalidate(rag.Invalidation{Tenant: "acme", Kind: rag.CacheLLM})
	f.documents.answers.Store(control.State("acme").Answers)
	f.answer(t, of("doc"), rag.CacheMiss)
	f.answer(t, of("other"), rag.CacheMiss)
}
