package cache

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
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
	k.cache.options.OnLookup(k.name, LayerLocal, LookupHit)
	return k.serve(e, hit(e.age(k.cache.options.Now())), use, emit)
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

// share joins the call that makes the result, or starts it. When it cannot be made, an older one stands in.
func (k *kind[Q, V]) share(ctx context.Context, l lookup[Q], use rag.CacheUse, emit func(rag.Piece) error) (result[V], error) {
	told := k.cache.options.OnLookup
	told(k.name, LayerLocal, LookupMiss)
	if use.Serving != nil {
		e, info := k.lookAhead(ctx, &l)
		if info.Outcome == rag.CacheHit && !e.StoredAt.IsZero() {
			told(k.name, LayerRedis, LookupHit)
			return k.serve(e, info, use, emit)
		}
		if err := use.Tell(info); err != nil {
			if l.owner == k.cache.id && !k.calls.running(l.key) {
				k.cache.writer.add(write{claim: l.key})
			}
			return result[V]{}, err
		}
	}
	pieces := 0
	answer, joined, err := k.calls.do(ctx, l.key, func(ctx context.Context, c *call[result[V]]) (result[V], error) {
		return k.load(ctx, &l, c)
	}, func(piece rag.Piece) error {
		pieces++
		return emit(piece)
	})
	if err != nil && pieces == 0 {
		older, _ := k.inMemory(l.key) // what Redis has is in memory too: the call has asked it
		return k.standIn(&l, older, use, emit, err)
	}
	if err != nil {
		return result[V]{}, err
	}
	if joined {
		told(k.name, LayerCoalesced, LookupHit)
		answer.info.Outcome = rag.CacheHit
	}
	return answer, nil
}

// lookAhead looks for a request that wants to be told before any work: for work under way, and into Redis. An entry that it
// returns is fresh. What is not in Redis is not looked for again.
func (k *kind[Q, V]) lookAhead(ctx context.Context, l *lookup[Q]) (entry[V], rag.CacheInfo) {
	if k.calls.running(l.key) {
		older, _ := k.inMemory(l.key)
		info := hit(0)
		info.Fallback = k.mayStandIn(l, &older) // if the work under way fails
		return entry[V]{}, info
	}
	if k.cache.options.Redis != nil {
		e, outcome := k.fetch(ctx, l, k.cache.forgotten.now())
		if outcome == LookupHit {
			return e, hit(e.age(k.cache.options.Now()))
		}
		l.notInRedis = outcome
	}
	older, _ := k.inMemory(l.key)
	return entry[V]{}, rag.CacheInfo{Outcome: rag.CacheMiss, Fallback: k.mayStandIn(l, &older)}
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
		answer.info = hit(0)
	}
	return answer, err
}

// load answers from Redis, else does the work and keeps its result.
func (k *kind[Q, V]) load(ctx context.Context, l *lookup[Q], c *call[result[V]]) (result[V], error) {
	before := k.cache.forgotten.now()
	e, ok := k.freshInMemory(l.key, l.ttl) // again: another call may have ended since
	if !ok {
		var err error
		if e, ok, err = k.inRedis(ctx, l, before, c); err != nil {
			return result[V]{}, err
		}
	}
	if !ok {
		var err error
		if e, ok, err = k.awaitOther(ctx, l, before); err != nil {
			return result[V]{}, err
		}
	}
	if ok {
		return k.serve(e, hit(e.age(k.cache.options.Now())), rag.CacheUse{}, func(piece rag.Piece) error {
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
				k.cache.writer.add(write{claim: l.key})
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

// inRedis counts what fetch finds, or has found before. Each request that waits for it does so within its own budget, so
// fetch has a copy of the first one's: its own is charged for its wait.
func (k *kind[Q, V]) inRedis(ctx context.Context, l *lookup[Q], before int64, c *call[result[V]]) (e entry[V], ok bool, err error) {
	if k.cache.options.Redis == nil {
		return e, false, nil
	}
	outcome := l.notInRedis
	if outcome == "" {
		type fetched struct {
			entry          entry[V]
			outcome        string
			owner, expired string
		}
		var got fetched
		asked := *l // the look-up may go on when it is given up
		got, err = lookUp(c, func() (fetched, error) {
			e, outcome := k.fetch(resilience.CopyRedisBudget(ctx), &asked, before)
			return fetched{e, outcome, asked.owner, asked.expired}, nil
		})
		e, outcome, l.owner, l.expired = got.entry, got.outcome, got.owner, got.expired
		if err != nil {
			outcome = LookupError
		}
		if errors.Is(err, errGivenUp) {
			err, l.owner = nil, k.cache.id // it may claim the work yet, which is done now: that claim has to end
		}
	}
	k.cache.options.OnLookup(k.name, LayerRedis, outcome)
	return e, outcome == LookupHit, err
}

// fetch brings an entry from Redis into memory, one that has expired too: it may have to stand in. Only a fresh one is a hit. After a miss
// l has the owner of the work.
func (k *kind[Q, V]) fetch(ctx context.Context, l *lookup[Q], before int64) (entry[V], string) {
	for range 2 { // the second time for the claim, past a value that has expired
		value, owner, err := k.cache.getOrClaim(ctx, l.key, l.expired)
		if l.owner = owner; err != nil {
			return entry[V]{}, LookupError
		}
		if value == nil {
			return entry[V]{}, LookupMiss
		}
		e, size, err := decode[V](value)
		if err != nil {
			return entry[V]{}, LookupError
		}
		k.remember(l, e, size, before)
		if e.fresh(k.cache.options.Now(), l.ttl) {
			return e, LookupHit
		}
		l.expired = fingerprint(value)
	}
	return entry[V]{}, LookupMiss
}

// read gets the entry of a key from Redis; the zero value when there is none.
func (k *kind[Q, V]) read(ctx context.Context, key string) (e entry[V]) {
	var data []byte
	err := k.cache.options.Redis.Do(ctx, "get", func(ctx context.Context, client redis.UniversalClient) (err error) {
		data, err = client.Get(ctx, key).Bytes()
		return err
	})
	if err == nil {
		e, _, _ = decode[V](data)
	}
	return e
}

// keep puts a result into memory at once, so that requests which come after its call find it, and into Redis in the
// background; unless the documents changed since the moment before. It reports whether Redis gets it, with which the claim ends.
func (k *kind[Q, V]) keep(l *lookup[Q], value V, before int64) (shared bool) {
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
	documents, valid := k.remember(l, e, len(data), before)
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
		setTTL:   max(ttl, settings.TTLSearch.D(), settings.TTLLLM.D()) + staleIfError + time.Second, // EXPIRE drops fractions
		valid:    valid,
	})
}

// remember puts an entry into memory, and takes it back when the documents changed since the moment before. (Looked at
// after the entry is in: a purge that came too early for it has changed what valid says.)
func (k *kind[Q, V]) remember(l *lookup[Q], e entry[V], size int, before int64) (documents []string, valid func() bool) {
	c := k.cache
	documents = k.documents(&l.query, e.Value)
	valid = func() bool { return k.current(l) && !c.forgotten.since(before, l.tenant, documents) }
	c.local.put(l.key, localEntry{
		entry:     &e,
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
