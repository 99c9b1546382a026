package cache

import (
	"context"
	"slices"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// Retriever returns next with this cache before it.
func (c *Cache) Retriever(next rag.Retriever) rag.Retriever { return &retriever{c, next} }

type retriever struct {
	cache *Cache
	next  rag.Retriever
}

// Retrieve serves what was found under the current token of the documents. While that is not confirmed it goes
// to next and keeps nothing. Hits of a result are the caller's own, their metadata is shared.
func (r *retriever) Retrieve(ctx context.Context, q rag.Query) (rag.Retrieval, error) {
	settings := r.cache.options.Config()
	if !settings.Cache.Enabled {
		return r.direct(ctx, q, rag.CacheBypass)
	}
	state := r.cache.state(ctx, q.Tenant)
	if !state.Confirmed {
		return r.direct(ctx, q, rag.CacheMiss)
	}
	ttl := settings.Cache.TTLSearch.D()
	if state.Open {
		ttl = min(ttl, openTTL)
	}
	answer, err := serve(ctx, r.cache, &r.cache.searches, request[rag.Retrieval]{
		kind: KindSearch, key: searchKey(settings, q, state), config: settings, ttl: ttl,
		tenant: q.Tenant, token: state.Token,
		documents: documentsFound,
		storable:  func(v rag.Retrieval) bool { return !v.Degraded },
		empty:     func(v rag.Retrieval) bool { return len(v.Hits) == 0 },
		pieces:    func(rag.Retrieval) []rag.Piece { return nil },
		current: func() bool {
			now := r.cache.state(context.WithoutCancel(ctx), q.Tenant)
			return now.Confirmed && now.Token == state.Token && now.Index == state.Index
		},
		work: func(ctx context.Context, _ func(rag.Piece)) (rag.Retrieval, error) { return r.next.Retrieve(ctx, q) },
	}, func(rag.Piece) error { return nil })
	if err != nil {
		return rag.Retrieval{}, gaveUp(ctx, err, rag.ErrSearchTimeout)
	}
	found := answer.value
	found.Hits, found.Cache = slices.Clone(found.Hits), answer.info
	return found, nil
}

func (r *retriever) direct(ctx context.Context, q rag.Query, outcome rag.CacheOutcome) (rag.Retrieval, error) {
	found, err := r.next.Retrieve(ctx, q)
	found.Cache = rag.CacheInfo{Outcome: outcome}
	return found, err
}

// documentsFound are the documents of the hits, each once.
func documentsFound(v rag.Retrieval) []string {
	ids := make([]string, len(v.Hits))
	for i, h := range v.Hits {
		ids[i] = h.DocumentID
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
