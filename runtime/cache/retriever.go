package cache

import (
	"context"
	"slices"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// Retriever returns next with this cache before it.
func (c *Cache) Retriever(next rag.Retriever) rag.Retriever {
	r := &retriever{cache: c, next: next}
	r.kind = kind[rag.Query, rag.Retrieval]{
		cache: c,
		name:  rag.CacheSearch,
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
}

// Retrieve serves what was found under the current token of the documents. While that is not confirmed nothing is kept,
// and equal searches share only work that began after each of them: what they find is not older than they are. (The engine is
// slow or unreachable then, and must not be asked a thousand times for one question.) Hits of a result are the caller's own,
// their metadata is shared.
func (r *retriever) Retrieve(ctx context.Context, q rag.Query) (rag.Retrieval, error) {
	settings := r.cache.options.Config()
	if !settings.Cache.Enabled {
		bypassed := rag.CacheInfo{Outcome: rag.CacheBypass}
		if err := q.Cache.Tell(bypassed); err != nil {
			return rag.Retrieval{}, err
		}
		found, err := r.next.Retrieve(ctx, q)
		found.Cache = bypassed
		return found, err
	}
	use := q.Cache
	q.Cache = rag.CacheUse{} // other requests share the work
	l := r.lookup(ctx, settings, q)
	get := r.kind.get
	if !l.state.Confirmed {
		get = r.unconfirmed
	}
	answer, err := get(ctx, &l, use, ignore)
	if err != nil {
		return rag.Retrieval{}, timedOut(ctx, err, rag.ErrSearchTimeout)
	}
	found := answer.value
	found.Hits, found.Cache = slices.Clone(found.Hits), answer.info
	return found, nil
}

func (r *retriever) lookup(ctx context.Context, settings *config.Config, q rag.Query) lookup[rag.Query] {
	state := r.cache.state(ctx, q.Tenant)
	l := lookup[rag.Query]{
		query:        q,
		key:          searchKey(settings, &q, state),
		tenant:       q.Tenant,
		ttl:          settings.Cache.TTLSearch.D(),
		staleIfError: settings.Cache.StaleIfError.D(),
		state:        state,
		config:       settings,
	}
	if state.Open {
		l.ttl = min(l.ttl, openTTL)
	}
	return l
}

// unconfirmed searches while it is not known whether the last token still holds. When the engine is down, what was found
// under it stands in, for as long after the last confirmation as after a result has expired.
func (r *retriever) unconfirmed(ctx context.Context, l *lookup[rag.Query], use rag.CacheUse, _ func(rag.Piece) error) (result[rag.Retrieval], error) {
	outcome := rag.CacheMiss
	if use.NoCache {
		outcome = rag.CacheBypass
	}
	answer, err := r.kind.makeAnew(ctx, *l, use, outcome, ignore)
	if err == nil || use.NoCache || r.cache.options.Now().Sub(l.state.LastConfirmed) >= l.staleIfError {
		return answer, err
	}
	older, ok := r.kind.inMemory(l.key)
	if !ok && r.cache.options.Redis != nil {
		found := r.kind.fetch(ctx, l, r.cache.forgotten.now(), false)
		older = found.entry
	}
	return r.kind.standIn(l, older, use, ignore, err)
}

// ignore is for kinds without pieces.
func ignore(rag.Piece) error { return nil }

// documentsFound are the documents of the hits, each once.
func documentsFound(v rag.Retrieval) []string {
	ids := make([]string, len(v.Hits))
	for i, h := range v.Hits {
		ids[i] = h.DocumentID
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
