package cache

import (
	"context"
	"slices"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// Retriever returns next with this cache before it.
func (c *Cache) Retriever(next rag.Retriever) rag.Retriever {
	r := &retriever{cache: c, next: next}
	r.kind = kind[rag.Query, rag.Retrieval]{
		cache: c,
		name:  KindSearch,
		work: func(ctx context.Context, q rag.Query, _ func(rag.Piece)) (rag.Retrieval, error) {
			return next.Retrieve(ctx, q)
		},
		documents: func(_ *rag.Query, v rag.Retrieval) []string { return documentsFound(v) },
		storable:  func(_ *rag.Query, v rag.Retrieval) bool { return !v.Degraded },
		empty:     func(v rag.Retrieval) bool { return len(v.Hits) == 0 },
		current: func(l *lookup[rag.Query]) bool {
			now := c.state(context.Background(), l.tenant) // whoever asked first may have left
			return now.Confirmed && now.Token == l.state.Token && now.Index == l.state.Index
		},
	}
	return r
}

type retriever struct {
	cache *Cache
	next  rag.Retriever
	kind  kind[rag.Query, rag.Retrieval]
	// unconfirmed are searches under a token that may be out of date.
	unconfirmed group[rag.Retrieval]
}

// Retrieve serves what was found under the current token of the documents. While that is not confirmed nothing is kept,
// and equal searches share only work that began after each of them. Hits of a result are the caller's own, their metadata is shared.
func (r *retriever) Retrieve(ctx context.Context, q rag.Query) (rag.Retrieval, error) {
	settings := r.cache.options.Config()
	if !settings.Cache.Enabled {
		found, err := r.next.Retrieve(ctx, q)
		found.Cache = rag.CacheInfo{Outcome: rag.CacheBypass}
		return found, err
	}
	state := r.cache.state(ctx, q.Tenant)
	l := lookup[rag.Query]{
		query:  q,
		key:    searchKey(settings, &q, state),
		tenant: q.Tenant,
		ttl:    settings.Cache.TTLSearch.D(),
		state:  state,
		config: settings,
	}
	if !state.Confirmed {
		return r.fresh(ctx, l.key, q)
	}
	if state.Open {
		l.ttl = min(l.ttl, openTTL)
	}
	answer, err := r.kind.get(ctx, &l, nil)
	if err != nil {
		return rag.Retrieval{}, timedOut(ctx, err, rag.ErrSearchTimeout)
	}
	found := answer.value
	found.Hits, found.Cache = slices.Clone(found.Hits), answer.info
	return found, nil
}

// fresh searches while it is not known whether the last token still holds: what it finds is not older than the request.
// The engine is slow or unreachable then, and must not be asked a thousand times for one question.
func (r *retriever) fresh(ctx context.Context, key string, q rag.Query) (rag.Retrieval, error) {
	answer, joined, err := r.unconfirmed.doFresh(ctx, key, func(ctx context.Context, _ *call[rag.Retrieval]) (rag.Retrieval, error) {
		return r.next.Retrieve(ctx, q)
	})
	if err != nil {
		return rag.Retrieval{}, timedOut(ctx, err, rag.ErrSearchTimeout)
	}
	answer.Hits, answer.Cache = slices.Clone(answer.Hits), rag.CacheInfo{Outcome: rag.CacheMiss}
	if joined {
		r.cache.options.OnLookup(KindSearch, LayerCoalesced, LookupHit)
		answer.Cache = hit(0)
	}
	return answer, nil
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
