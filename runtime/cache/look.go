package cache

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"

	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
)

// looked is what a look into Redis has found. Only with LookupHit has its entry not expired.
type looked[V any] struct {
	entry   entry[V]
	outcome string
	// layer is where the request has it from: Redis, or the look of another request.
	layer string
	// owner and expired are for the lookup's fields of those names.
	owner, expired string
}

// look looks into Redis, together with other requests that do. After one that claims, l has the owner of the work on what was not
// found.
func (k *kind[Q, V]) look(ctx context.Context, l *lookup[Q], use *rag.CacheUse, claim bool) (looked[V], error) {
	if k.cache.options.Redis == nil {
		return looked[V]{outcome: LookupMiss}, nil
	}
	if use.Waiting != nil {
		use.Waiting()
	}
	asked, looks := *l, &k.looks // asked: the look may go on when this request has gone on without it
	if !claim {
		looks = &k.peeks
	}
	found, joined, err := looks.doWithinRedisBudget(ctx, l.key, func(ctx context.Context, c *call[looked[V]]) (looked[V], error) {
		found := k.fetch(resilience.CopyRedisBudget(ctx), &asked, k.cache.forgotten.now(), claim)
		if !asked.looked || found.outcome != LookupMiss {
			k.cache.options.OnLookup(k.name, LayerRedis, found.outcome)
		}
		if !looks.settle(asked.key, c) {
			k.release(found.owner, asked.key)
		}
		return found, nil
	})
	found.layer = LayerRedis
	switch {
	case errors.Is(err, errNoTime):
		found = looked[V]{outcome: LookupError}
		if joined {
			k.cache.options.OnLookup(k.name, LayerRedis, LookupError)
		}
	case err != nil:
		return looked[V]{}, err
	case joined && found.outcome == LookupHit:
		found.layer = LayerCoalesced
		k.cache.options.OnLookup(k.name, LayerCoalesced, LookupHit)
	}
	l.owner, l.expired, l.looked = found.owner, found.expired, true
	return found, nil
}

// fetch brings an entry from Redis into memory, one that has expired too: it may have to stand in. Only a fresh one is a hit.
func (k *kind[Q, V]) fetch(ctx context.Context, l *lookup[Q], before int64, claim bool) (found looked[V]) {
	found.outcome, found.expired = LookupMiss, l.expired
	for range 2 { // the second time for the claim, past a value that has expired
		value, owner, err := k.cache.get(ctx, l.key, found.expired, claim)
		if found.owner = owner; err != nil {
			found.outcome = LookupError
			return found
		}
		if value == nil {
			return found
		}
		e, size, err := decode[V](value)
		if err != nil {
			found.outcome = LookupError
			return found
		}
		k.remember(l, e, size, before, k.cache.local.putUnlessOlder)
		found.entry = e
		if e.fresh(k.cache.options.Now(), l.ttl) {
			found.outcome = LookupHit
			return found
		}
		if !claim {
			return found
		}
		found.expired = fingerprint(value)
	}
	return found
}

// get is the value of a key in Redis, and with a claim who works on one that is not there. A value with the fingerprint ignored counts as
// none for the claim.
func (c *Cache) get(ctx context.Context, key, ignored string, claim bool) (value []byte, owner string, err error) {
	if claim {
		return c.getOrClaim(ctx, key, ignored)
	}
	err = c.options.Redis.Do(ctx, "get", func(ctx context.Context, client redis.UniversalClient) (err error) {
		value, err = client.Get(ctx, key).Bytes()
		return err
	})
	if errors.Is(err, redis.Nil) {
		err = nil
	}
	return value, "", err
}

// release ends the claim of a key, if this server is its owner.
func (k *kind[Q, V]) release(owner, key string) {
	if owner == k.cache.id {
		k.cache.writer.add(write{claim: key})
	}
}
