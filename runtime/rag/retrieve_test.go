package rag

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// index answers every search with its leg, and keeps the query.
type index struct {
	leg        Leg
	statistics Statistics
	err        error
	asked      KeywordQuery
}

func (i *index) Keyword(_ context.Context, q KeywordQuery) (Leg, Statistics, error) {
	i.asked = q
	return i.leg, i.statistics, i.err
}

func TestSearchWindow(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ offset, topK, from, size int }{
		{0, 5, 0, 5}, {195, 10, 195, 5}, {200, 10, 200, 0}, {500, 10, 200, 0}, {-1, 5, 0, 5}, {0, -1, 0, 0},
	} {
		asked := &index{}
		if _, err := NewRetriever(asked).Retrieve(t.Context(), Query{Offset: test.offset, TopK: test.topK}); err != nil {
			t.Fatal(err)
		}
		if asked.asked.From != test.from || asked.asked.Size != test.size {
			t.Errorf("offset %d, top_k %d: from %d, size %d; want %d and %d", test.offset, test.topK, asked.asked.From, asked.asked.Size, test.from, test.size)
		}
	}
}

func TestTheKeywordLegIsTheRetrieval(t *testing.T) {
	t.Parallel()
	least := 0.5
	asked := &index{
		leg:        Leg{Hits: []Hit{{Chunk: Chunk{ID: "a#0"}, Score: 2}}, Total: 7},
		statistics: Statistics{Chunks: 9, Holding: map[string]int{"lift": 3}},
	}
	q := Query{Tenant: "t", Text: "lift", TopK: 1, Offset: 2, Mode: ModeHybrid, Filter: Filter{"source": {"rae"}}, MinScore: &least}
	found, err := NewRetriever(asked).Retrieve(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	want := Retrieval{Hits: asked.leg.Hits, Total: 7, Mode: ModeKeyword, Statistics: asked.statistics}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("retrieval (-want +got):\n%s", diff)
	}
	wantAsked := KeywordQuery{Tenant: "t", Text: "lift", Filter: q.Filter, MinScore: &least, From: 2, Size: 1}
	if diff := cmp.Diff(wantAsked, asked.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestALostOnlyLegIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := NewRetriever(&index{err: ErrSearchUnavailable}).Retrieve(t.Context(), Query{}); !errors.Is(err, ErrSearchUnavailable) {
		t.Errorf("%v, want search_unavailable", err)
	}
	found, err := NewRetriever(&index{}).Retrieve(t.Context(), Query{})
	if err != nil || found.Hits == nil {
		t.Errorf("nothing found: %v, %v; want an empty list", found.Hits, err)
	}
}
