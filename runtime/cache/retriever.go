package cache

import (
	"context"
	"slices"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// Retriever returns next with this cache before it.
func (c *Cache) Retriever(next rag.Retriever) rag.Retriever { return &retriever{c, next} }

type retriever struct {
	cache *Cache
	next  rag.Retriever
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
	if !state.Confirmed {
		return r.fresh(ctx, settings, q, state)
	}
	ttl := settings.Cache.TTLSearch.D()
	if state.Open {
		ttl = min(ttl, openTTL)
	}
	answer, err := lookUp(ctx, r.cache, &r.cache.searches, lookup[rag.Retrieval]{
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
		return rag.Retrieval{}, timedOut(ctx, err, rag.ErrSearchTimeout)
	}
	found := answer.value
	found.Hits, found.Cache = slices.Clone(found.Hits), answer.info
	return found, nil
}

// fresh searches while it is not known whether the last token still holds: what it finds is not older than the request.
// The engine is slow or unreachable then, and must not be asked a thousand times for one question.
func (r *retriever) fresh(ctx context.Context, settings config.Config, q rag.Query, last rag.State) (rag.Retrieval, error) {
	answer, joined, err := r.cache.unconfirmed.doFresh(ctx, searchKey(settings, q, last), func(ctx context.Context, _ func(rag.Piece)) (rag.Retrieval, error) {
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
