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
	// jitterPercent of a time to live is left out at random, so that what was stored together does not expire together.
	jitterPercent = 10
	// emptyTTL bounds results without content: what they missed may be there soon.
	emptyTTL = time.Minute
	// maxValueBytes bounds what goes to Redis, and comes back within a request's budget. 50 passages of 600 words are 200 kB.
	maxValueBytes = 1 << 20
)

// get answers from memory, else from a call under way: a request that joins one was answered without work of its own, so
// it counts as a hit of age 0. Nothing of l outlives a hit in memory, so that it costs no allocation.
func (k *kind[Q, V]) get(ctx context.Context, l *lookup[Q], emit func(rag.Piece) error) (result[V], error) {
	k.cache.local.resize(l.config.Cache.LocalMaxBytes)
	e, ok := k.inMemory(l.key, l.ttl)
	if !ok {
		k.cache.options.OnLookup(k.name, LayerLocal, LookupMiss)
		return k.share(ctx, *l, emit)
	}
	k.cache.options.OnLookup(k.name, LayerLocal, LookupHit)
	return k.replay(e, emit)
}

// replay tells an entry as it was told when it was made.
func (k *kind[Q, V]) replay(e entry[V], emit func(rag.Piece) error) (result[V], error) {
	if k.pieces != nil {
		for _, piece := range k.pieces(e.Value) {
			if err := emit(piece); err != nil {
				return result[V]{}, err
			}
		}
	}
	return result[V]{e.Value, hit(e.age(k.cache.options.Now()))}, nil
}

// share joins the call that makes the result, or starts it.
func (k *kind[Q, V]) share(ctx context.Context, l lookup[Q], emit func(rag.Piece) error) (result[V], error) {
	answer, joined, err := k.calls.do(ctx, l.key, func(ctx context.Context, c *call[result[V]]) (result[V], error) {
		return k.load(ctx, &l, c)
	}, emit)
	if err != nil {
		return result[V]{}, err
	}
	if joined {
		k.cache.options.OnLookup(k.name, LayerCoalesced, LookupHit)
		answer.info.Outcome = rag.CacheHit
	}
	return answer, nil
}

// load answers from Redis, else does the work and keeps its result.
func (k *kind[Q, V]) load(ctx context.Context, l *lookup[Q], c *call[result[V]]) (result[V], error) {
	before := k.cache.forgotten.now()
	e, ok := k.inMemory(l.key, l.ttl) // again: another call may have ended since
	if !ok {
		var err error
		if e, ok, err = k.inRedis(ctx, l, before, c); err != nil {
			return result[V]{}, err
		}
	}
	if ok {
		return k.replay(e, func(piece rag.Piece) error {
			c.emit(piece)
			return nil
		})
	}
	value, err := k.work(ctx, l.query, c.emit)
	if err != nil {
		return result[V]{}, err
	}
	if k.storable(&l.query, value) {
		k.keep(l, value, before)
	}
	return result[V]{value, rag.CacheInfo{Outcome: rag.CacheMiss}}, nil
}

// inMemory is the entry of a key in this server's memory, if it is not older than ttl.
func (k *kind[Q, V]) inMemory(key string, ttl time.Duration) (entry[V], bool) {
	kept, ok := k.cache.local.get(key)
	if !ok {
		return entry[V]{}, false
	}
	e, ok := kept.(*entry[V])
	if !ok || !e.fresh(k.cache.options.Now(), ttl) {
		return entry[V]{}, false
	}
	return *e, true
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
			entry   entry[V]
			outcome string
		}
		var got fetched
		got, err = lookUp(c, func() (fetched, error) {
			e, outcome := k.fetch(resilience.CopyRedisBudget(ctx), l, before)
			return fetched{e, outcome}, nil
		})
		e, outcome = got.entry, got.outcome
		if err != nil {
			outcome = LookupError
		}
		if errors.Is(err, errGivenUp) {
			err = nil
		}
	}
	k.cache.options.OnLookup(k.name, LayerRedis, outcome)
	return e, outcome == LookupHit, err
}

// fetch brings an entry from Redis into memory.
func (k *kind[Q, V]) fetch(ctx context.Context, l *lookup[Q], before int64) (e entry[V], outcome string) {
	var data []byte
	err := k.cache.options.Redis.Do(ctx, "get", func(ctx context.Context, client redis.UniversalClient) (err error) {
		data, err = client.Get(ctx, l.key).Bytes()
		return err
	})
	if errors.Is(err, redis.Nil) {
		return entry[V]{}, LookupMiss
	}
	if err == nil {
		e, err = decode[V](data)
	}
	if err != nil {
		return entry[V]{}, LookupError
	}
	if !e.fresh(k.cache.options.Now(), l.ttl) {
		return entry[V]{}, LookupMiss
	}
	k.remember(l, e, len(data), before)
	return e, LookupHit
}

// keep puts a result into memory at once, so that requests which come after its call find it, and into Redis in the
// background; unless the documents changed since the moment before.
func (k *kind[Q, V]) keep(l *lookup[Q], value V, before int64) {
	now := k.cache.options.Now()
	ttl := lifetime(l.ttl, k.empty(value))
	e := entry[V]{StoredAt: now, ExpiresAt: now.Add(ttl), Value: value}
	data, err := e.encode()
	if err != nil {
		return // a value that JSON has no form for, such as NaN: it was answered, and is worked out anew
	}
	documents, valid := k.remember(l, e, len(data), before)
	if k.cache.writer == nil || len(data) > maxValueBytes || !valid() {
		return
	}
	sets := make([]string, len(documents))
	for i, id := range documents {
		sets[i] = documentKey(&l.config.Service, l.tenant, id)
	}
	k.cache.writer.add(write{
		key:      l.key,
		value:    data,
		storedAt: now,
		ttl:      ttl,
		sets:     sets,
		setTTL:   max(ttl, l.config.Cache.TTLSearch.D(), l.config.Cache.TTLLLM.D()) + time.Second, // EXPIRE drops fractions
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
		ttl:       e.ExpiresAt.Sub(c.options.Now()),
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

// lifetime is how long a result is kept.
func lifetime(ttl time.Duration, empty bool) time.Duration {
	if empty {
		ttl = min(ttl, emptyTTL)
	}
	return ttl - rand.N(ttl*jitterPercent/100+1) //nolint:gosec // nobody gains by guessing it
}

// timedOut makes an error of the ports of a wait that ended with its request's time.
func timedOut(ctx context.Context, err error, kind *rag.Kind) error {
	var known *rag.Error
	if ctx.Err() == nil || !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &known) {
		return err
	}
	return &rag.Error{Kind: kind, Message: "the request's time was over before the work was done", Cause: err}
}
