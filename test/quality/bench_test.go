package quality

import (
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/test/storetest"
)

// BenchmarkSearch asks the 113 questions in turn, of 1,398 documents, five hits each.
func BenchmarkSearch(b *testing.B) {
	for name, open := range map[string]func(testing.TB) storetest.Store{"embedded": openEmbedded, "opensearch": openOpenSearch} {
		b.Run(name, func(b *testing.B) {
			c := cranfield(b)
			store := open(b)
			load(b, store, c)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				q := c.Questions[i%len(c.Questions)]
				if _, err := rag.NewRetriever(store).Retrieve(b.Context(), rag.Query{Tenant: rag.DefaultTenant, Text: q.Text, TopK: 5}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkLoad writes 1,398 documents into an empty store.
func BenchmarkLoad(b *testing.B) {
	for name, open := range map[string]func(testing.TB) storetest.Store{"embedded": openEmbedded, "opensearch": openOpenSearch} {
		b.Run(name, func(b *testing.B) {
			c := cranfield(b)
			for b.Loop() {
				load(b, open(b), c)
			}
		})
	}
}
