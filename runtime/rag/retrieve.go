package rag

import "context"

// NewRetriever returns a Retriever over the legs of an index. What a search means is decided here, once for all stores:
// which legs are asked, the window that they look into, and what of them is answered. There is one leg so far, by
// words, whatever the mode asked for; so the index is asked for the page alone.
func NewRetriever(index Index) Retriever { return retriever{index: index} }

type retriever struct{ index Index }

// Retrieve implements Retriever.
func (r retriever) Retrieve(ctx context.Context, q Query) (Retrieval, error) {
	from, size := q.window()
	leg, statistics, err := r.index.Keyword(ctx, KeywordQuery{
		Tenant:   q.Tenant,
		Readers:  q.Readers,
		Text:     q.Text,
		Filter:   q.Filter,
		MinScore: q.MinScore,
		From:     from,
		Size:     size,
	})
	if err != nil {
		return Retrieval{}, err
	}
	found := Retrieval{Hits: leg.Hits, Total: leg.Total, Mode: ModeKeyword, Statistics: statistics}
	if found.Hits == nil {
		found.Hits = []Hit{} // callers are told of an empty list, not of none
	}
	return found, nil
}

// window is the page of a query as far as it lies in the first MaxWindow hits, which is as deep as a search looks.
func (q Query) window() (from, size int) {
	from = min(max(q.Offset, 0), MaxWindow)
	return from, max(0, min(q.TopK, MaxWindow-from))
}
