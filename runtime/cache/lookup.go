package cache

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

const (
	// emptyTTL bounds results without content: what they missed may be there soon.
	emptyTTL = time.Minute
	// maxValueBytes bounds what goes to Redis, and comes back within a request's budget. 50 passages of 600 words are 200 kB.
	maxValueBytes = 1 << 20
)

// get answers from memory, else from a call under way: a request that joins one was answered without work of its own, so
// it counts as a hit of age 0. Nothing of l outlives a hit in memory, so that it costs no allocation.
func (k *kind[Q, V]) get(ctx context.Context, l *lookup[Q], use rag.CacheUse, emit func(rag.Piece) error) (result[V], error) {
	k.cache.local.resize(l.config.Cache.LocalMaxBytes)
	if use.NoCache {
		return k.makeAnew(ctx, *l, use, rag.CacheBypass, emit)
	}
	e, ok := k.freshInMemory(l.key, l.ttl)
	if !ok {
		return k.share(ctx, *l, use, emit)
	}
	_, span := k.lookupSpan(ctx)
	k.cache.options.OnLookup(k.name, LayerLocal, LookupHit)
	endLookup(span, LayerLocal, LookupHit)
	return k.serve(e, k.kept(l, &e, LayerLocal), use, emit)
}

// kept is how an entry of a layer is told that has not expired.
func (k *kind[Q, V]) kept(l *lookup[Q], e *entry[V], layer string) rag.CacheInfo {
	info := hit(e.age(k.cache.options.Now()), layer)
	if l.doubt != nil {
		info.Outcome, info.Cause = rag.CacheStale, l.doubt
	}
	return info
}

// serve tells an entry as it was told when it was made.
func (k *kind[Q, V]) serve(e entry[V], info rag.CacheInfo, use rag.CacheUse, emit func(rag.Piece) error) (result[V], error) {
	if err := use.Tell(info); err != nil {
		return result[V]{}, err
	}
	if k.pieces != nil {
		for _, piece := range k.pieces(e.Value) {
			if err := emit(piece); err != nil {
				return result[V]{}, err
			}
		}
	}
	return result[V]{e.Value, info}, nil
}

// share answers from Redis, else joins the call that makes the result, or starts it. When it cannot be made, an older one stands in.
func (k *kind[Q, V]) share(ctx context.Context, l lookup[Q], use rag.CacheUse, emit func(rag.Piece) error) (result[V], error) {
	told := k.cache.options.OnLookup
	told(k.name, LayerLocal, LookupMiss)
	info := rag.CacheInfo{Outcome: rag.CacheMiss}
	looking, span := k.lookupSpan(ctx)
	if k.calls.running(l.key) {
		info = hit(0, LayerCoalesced)
		endLookup(span, LayerCoalesced, LookupHit)
	} else {
		found, err := k.look(looking, &l, &use, !use.Queued && l.ttl > 0) // others do not wait for what is not kept
		endLookup(span, k.cache.lastLayer(), found.outcome)
		if err != nil {
			return result[V]{}, err
		}
		if found.outcome == LookupHit {
			return k.serve(found.entry, k.kept(&l, &found.entry, found.layer), use, emit)
		}
	}
	older, _ := k.inMemory(l.key)
	info.Fallback = k.mayStandIn(&l, &older) // if the work fails
	if err := use.Tell(info); err != nil {
		if !k.calls.running(l.key) {
			k.release(l.owner, l.key)
		}
		return result[V]{}, err
	}
	if use.Queued && info.Outcome == rag.CacheMiss && l.ttl > 0 { // nothing was claimed before its turn
		found, err := k.look(ctx, &l, &rag.CacheUse{}, true)
		if err != nil {
			return result[V]{}, err
		}
		if found.outcome == LookupHit {
			return k.serve(found.entry, k.kept(&l, &found.entry, found.layer), rag.CacheUse{}, emit)
		}
	}
	return k.join(ctx, &l, use, emit)
}

// join joins the call that makes a result, or starts it.
func (k *kind[Q, V]) join(ctx context.Context, l *lookup[Q], use rag.CacheUse, emit func(rag.Piece) error) (result[V], error) {
	pieces := 0
	answer, joined, err := k.calls.do(ctx, l.key, func(ctx context.Context, c *call[result[V]]) (result[V], error) {
		return k.load(ctx, l, c)
	}, func(piece rag.Piece) error {
		pieces++
		return emit(piece)
	})
	if err != nil && (l.whole || pieces == 0) {
		older, _ := k.inMemory(l.key) // what Redis has is in memory too: it was asked before
		return k.standIn(l, older, use, emit, err)
	}
	if err != nil {
		return result[V]{}, err
	}
	if joined {
		k.cache.options.OnLookup(k.name, LayerCoalesced, LookupHit)
		if answer.info.Outcome == rag.CacheMiss {
			answer.info.Outcome = rag.CacheHit
		}
		answer.info.Layer = LayerCoalesced
	}
	return answer, nil
}

// makeAnew does the work whatever the cache has, together with requests that came before it began. What it makes is kept only
// when the documents are known to be still those of the lookup. outcome is how the request is told that it was served.
func (k *kind[Q, V]) makeAnew(
	ctx context.Context, l lookup[Q], use rag.CacheUse, outcome rag.CacheOutcome, emit func(rag.Piece) error,
) (result[V], error) {
	info := rag.CacheInfo{Outcome: outcome}
	if err := use.Tell(info); err != nil {
		return result[V]{}, err
	}
	answer, joined, err := k.anew.doFresh(ctx, l.key, func(ctx context.Context, c *call[result[V]]) (result[V], error) {
		before := k.cache.forgotten.now()
		value, err := k.work(ctx, l.query, c.emit)
		if err == nil && k.storable(&l.query, value) && k.current(&l) {
			k.keep(&l, value, before)
		}
		return result[V]{value, info}, err
	}, emit)
	if err == nil && joined && outcome == rag.CacheMiss {
		k.cache.options.OnLookup(k.name, LayerCoalesced, LookupHit)
		answer.info = hit(0, LayerCoalesced)
	}
	return answer, err
}

// load answers with what another call, or another server, has kept since the request has looked; else it does the work.
func (k *kind[Q, V]) load(ctx context.Context, l *lookup[Q], c *call[result[V]]) (result[V], error) {
	before := k.cache.forgotten.now()
	layer := LayerLocal
	e, ok := k.freshInMemory(l.key, l.ttl)
	if !ok {
		layer = LayerRedis
		var err error
		if e, ok, err = k.awaitOther(ctx, l, before); err != nil {
			return result[V]{}, err
		}
	}
	if ok {
		k.release(l.owner, l.key)
		return k.serve(e, k.kept(l, &e, layer), rag.CacheUse{}, func(piece rag.Piece) error {
			c.emit(piece)
			return nil
		})
	}
	return k.make(ctx, l, before, c)
}

// make does the work and keeps its result. Other servers wait for it while this one has the claim.
func (k *kind[Q, V]) make(ctx context.Context, l *lookup[Q], before int64, c *call[result[V]]) (result[V], error) {
	kept := false
	if l.owner == k.cache.id {
		end := k.cache.claimed(l.key)
		defer func() {
			if end(); !kept {
				k.release(l.owner, l.key)
			}
		}()
	}
	value, err := k.work(ctx, l.query, c.emit)
	if err != nil {
		return result[V]{}, err
	}
	if k.storable(&l.query, value) {
		kept = k.keep(l, value, before)
	}
	return result[V]{value, rag.CacheInfo{Outcome: rag.CacheMiss}}, nil
}

// inMemory is the entry of a key in this server's memory, however old.
func (k *kind[Q, V]) inMemory(key string) (entry[V], bool) {
	kept, ok := k.cache.local.get(key)
	if !ok {
		return entry[V]{}, false
	}
	e, ok := kept.(*entry[V])
	if !ok {
		return entry[V]{}, false
	}
	return *e, true
}

// freshInMemory is the entry of a key in this server's memory, if it has not expired and is not older than ttl.
func (k *kind[Q, V]) freshInMemory(key string, ttl time.Duration) (entry[V], bool) {
	e, ok := k.inMemory(key)
	return e, ok && e.fresh(k.cache.options.Now(), ttl)
}

// keep puts a result into memory at once, so that requests which come after its call find it, and into Redis in the
// background; unless the documents changed since the moment before. It reports whether Redis gets it, with which the claim ends.
func (k *kind[Q, V]) keep(l *lookup[Q], value V, before int64) (shared bool) {
	if l.ttl <= 0 {
		return false
	}
	now, settings := k.cache.options.Now(), &l.config.Cache
	ttl, staleIfError := l.ttl, settings.StaleIfError.D()
	if k.empty(value) { // an outage is never told as nothing found
		ttl, staleIfError = min(ttl, emptyTTL), 0
	}
	ttl = jittered(ttl, settings.JitterPercent)
	e := entry[V]{StoredAt: now, FreshUntil: now.Add(ttl), StaleUntil: now.Add(ttl + staleIfError), Value: value}
	data, err := e.encode()
	if err != nil {
		return false // a value that JSON has no form for, such as NaN: it was answered, and is worked out anew
	}
	documents, valid := k.remember(l, e, len(data), before, k.cache.local.put)
	if k.cache.writer == nil || len(data) > maxValueBytes || !valid() {
		return false
	}
	sets := make([]string, 0, len(documents)+1)
	for _, id := range documents {
		sets = append(sets, documentKey(&l.config.Service, l.tenant, id))
	}
	sets = append(sets, tenantKey(&l.config.Service, l.tenant))
	claim := ""
	if l.owner != "" {
		claim = l.key
	}
	return k.cache.writer.add(write{
		key:      l.key,
		claim:    claim,
		value:    data,
		storedAt: now,
		ttl:      ttl + staleIfError,
		sets:     sets,
		tenants:  tenantsKey(&l.config.Service),
		valid:    valid,
	})
}

// remember puts an entry into memory, and takes it back when the documents changed since the moment before. (Looked at
// after the entry is in: a purge that came too early for it has changed what valid says.)
func (k *kind[Q, V]) remember(
	l *lookup[Q], e entry[V], size int, before int64, put func(key string, h localEntry),
) (documents []string, valid func() bool) {
	c := k.cache
	documents = k.documents(&l.query, e.Value)
	valid = func() bool { return k.current(l) && !c.forgotten.since(before, l.tenant, documents) }
	put(l.key, localEntry{
		entry:     &e,
		storedAt:  e.StoredAt,
		kind:      k.name,
		ttl:       e.StaleUntil.Sub(c.options.Now()),
		size:      size,
		tenant:    l.tenant,
		documents: documents,
		token:     l.state.Token,
	})
	if !valid() {
		c.local.remove(l.key)
	}
	return documents, valid
}

// jittered is ttl less up to percent of it at random, so that what was stored together does not expire together.
func jittered(ttl time.Duration, percent int) time.Duration {
	return ttl - rand.N(ttl*time.Duration(percent)/100+1) //nolint:gosec // nobody gains by guessing it
}

// timedOut makes an error of the ports of a wait that ended with its request's time.
func timedOut(ctx context.Context, err error, kind *rag.Kind) error {
	var known *rag.Error
	if ctx.Err() == nil || !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &known) {
		return err
	}
	return &rag.Error{Kind: kind, Message: "the request's time was over before the work was done", Cause: err}
}
