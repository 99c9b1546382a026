package cache

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

const (
	// jitterPercent of a time to live is left out at random, so that what was stored together does not expire together.
	jitterPercent = 10
	// emptyTTL bounds results without content: what they missed may be there soon.
	emptyTTL = time.Minute
	// maxValueBytes bounds what goes to Redis, and comes back within a request's budget. 50 passages of 600 words are 200 kB.
	maxValueBytes = 1 << 20
)

// lookup is what lookUp needs to know of a kind of result.
type lookup[V any] struct {
	kind   string
	key    string
	config config.Config
	ttl    time.Duration
	tenant string
	// token is that of the documents, for results that are served under one only.
	token rag.Token
	// documents are those whose text is in a result.
	documents func(V) []string
	// storable reports whether a result may be kept, and empty whether there is nothing in it.
	storable, empty func(V) bool
	// tokens of a result, for those that have any.
	pieces func(V) []rag.Piece
	// current reports whether the documents are still those of the token.
	current func() bool
	work    work[V]
}

// result is a result and where it came from.
type result[V any] struct {
	value V
	info  rag.CacheInfo
}

// lookUp answers from memory, else from a call under way: a request that joins one was answered without work of its own, so it
// counts as a hit of age 0.
func lookUp[V any](ctx context.Context, c *Cache, g *group[result[V]], r lookup[V], emit func(rag.Piece) error) (result[V], error) {
	c.local.resize(r.config.Cache.LocalMaxBytes)
	if e, ok := lookLocal(c, r); ok {
		c.options.OnLookup(r.kind, LayerLocal, LookupHit)
		for _, piece := range r.pieces(e.Value) {
			if err := emit(piece); err != nil {
				return result[V]{}, err
			}
		}
		return result[V]{e.Value, hit(e.age(c.options.Now()))}, nil
	}
	c.options.OnLookup(r.kind, LayerLocal, LookupMiss)
	answer, joined, err := g.do(ctx, r.key, func(ctx context.Context, emit func(rag.Piece)) (result[V], error) {
		return load(ctx, c, r, emit)
	}, emit)
	if err != nil {
		return result[V]{}, err
	}
	if joined {
		c.options.OnLookup(r.kind, LayerCoalesced, LookupHit)
		answer.info.Outcome = rag.CacheHit
	}
	return answer, nil
}

// load answers from Redis, else does the work and keeps its result.
func load[V any](ctx context.Context, c *Cache, r lookup[V], emit func(rag.Piece)) (result[V], error) {
	before := c.forgotten.now()
	e, ok := lookLocal(c, r) // again: another call may have ended since
	if !ok {
		e, ok = lookRedis(ctx, c, r, before)
	}
	if ok {
		for _, piece := range r.pieces(e.Value) {
			emit(piece)
		}
		return result[V]{e.Value, hit(e.age(c.options.Now()))}, nil
	}
	value, err := r.work(ctx, emit)
	if err != nil {
		return result[V]{}, err
	}
	if r.storable(value) {
		keep(c, r, value, before)
	}
	return result[V]{value, rag.CacheInfo{Outcome: rag.CacheMiss}}, nil
}

func lookLocal[V any](c *Cache, r lookup[V]) (entry[V], bool) {
	kept, ok := c.local.get(r.key)
	if !ok {
		return entry[V]{}, false
	}
	e, ok := kept.(entry[V])
	return e, ok && e.fresh(c.options.Now(), r.ttl)
}

// lookRedis counts what fetch finds.
func lookRedis[V any](ctx context.Context, c *Cache, r lookup[V], before int64) (entry[V], bool) {
	if c.options.Redis == nil {
		return entry[V]{}, false
	}
	e, outcome := fetch(ctx, c, r, before)
	c.options.OnLookup(r.kind, LayerRedis, outcome)
	return e, outcome == LookupHit
}

// fetch brings an entry from Redis into memory.
func fetch[V any](ctx context.Context, c *Cache, r lookup[V], before int64) (e entry[V], outcome string) {
	var data []byte
	err := c.options.Redis.Do(ctx, "get", func(ctx context.Context, client redis.UniversalClient) (err error) {
		data, err = client.Get(ctx, r.key).Bytes()
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
	if !e.fresh(c.options.Now(), r.ttl) {
		return entry[V]{}, LookupMiss
	}
	remember(c, r, e, len(data), before)
	return e, LookupHit
}

// keep puts a result into memory at once, so that requests which come after its call find it, and into Redis in the
// background; unless the documents changed since the moment before.
func keep[V any](c *Cache, r lookup[V], value V, before int64) {
	now := c.options.Now()
	ttl := lifetime(r.ttl, r.empty(value))
	e := entry[V]{StoredAt: now, ExpiresAt: now.Add(ttl), Value: value}
	data, err := e.encode()
	if err != nil {
		return // a value that JSON has no form for, such as NaN: it was answered, and is worked out anew
	}
	documents, valid := remember(c, r, e, len(data), before)
	if c.writer == nil || len(data) > maxValueBytes || !valid() {
		return
	}
	sets := make([]string, len(documents))
	for i, id := range documents {
		sets[i] = documentKey(r.config.Service, r.tenant, id)
	}
	c.writer.add(write{
		key:      r.key,
		value:    data,
		storedAt: now,
		ttl:      ttl,
		sets:     sets,
		setTTL:   max(ttl, r.config.Cache.TTLSearch.D(), r.config.Cache.TTLLLM.D()) + time.Second, // EXPIRE drops fractions
		valid:    valid,
	})
}

// remember puts an entry into memory, and takes it back when the documents changed since the moment before. (Looked at
// after the entry is in: a purge that came too early for it has changed what valid says.)
func remember[V any](c *Cache, r lookup[V], e entry[V], size int, before int64) (documents []string, valid func() bool) {
	documents = r.documents(e.Value)
	valid = func() bool { return r.current() && !c.forgotten.since(before, r.tenant, documents) }
	c.local.put(r.key, localEntry{
		entry: e, ttl: e.ExpiresAt.Sub(c.options.Now()), size: size,
		tenant: r.tenant, documents: documents, token: r.token,
	})
	if !valid() {
		c.local.remove(r.key)
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
