package cache

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
)

const (
	// forgetBatch is how many entries are unlinked in one round trip.
	forgetBatch = 500
	// forgetTimeout bounds the unlinking of a document's entries, forgetWidely that of a tenant's or of all: thousands of batches.
	forgetTimeout = 2 * time.Second
	forgetWidely  = 20 * time.Second
)

// Forget drops entries: in memory, in Redis, and, of a document, those that are being made here. It counts those in Redis; those in memory
// when there is none, or it cannot be asked. What it cannot reach (Redis is down, or other servers' memory) no request can
// find, and ends with its time to live.
func (c *Cache) Forget(ctx context.Context, i rag.Invalidation) map[rag.CacheKind]int {
	if i.DocumentID != "" {
		c.forgotten.mark(i.Tenant, i.DocumentID)
	}
	here := c.local.forget(i)
	if c.options.Redis == nil {
		return here
	}
	timeout := forgetTimeout
	if i.DocumentID == "" {
		timeout = forgetWidely
	}
	ctx, cancel := context.WithTimeout(resilience.WithoutRedisBudget(ctx), timeout)
	defer cancel()
	shared, ok := c.forgetShared(ctx, i)
	if !ok && len(shared) == 0 {
		return here
	}
	return shared
}

// forgetShared unlinks what is meant from Redis. It is not ok when Redis did not answer to the end, which its guard tells.
func (c *Cache) forgetShared(ctx context.Context, i rag.Invalidation) (unlinked map[rag.CacheKind]int, ok bool) {
	service := &c.options.Config().Service
	unlinked = map[rag.CacheKind]int{}
	switch {
	case i.DocumentID != "":
		return unlinked, c.forgetSet(ctx, documentKey(service, i.Tenant, i.DocumentID), i, unlinked)
	case !i.AllTenants:
		return unlinked, c.forgetSet(ctx, tenantKey(service, i.Tenant), i, unlinked)
	}
	sets, ok := c.members(ctx, tenantsKey(service), 0, -1)
	for _, set := range sets {
		ok = ok && c.forgetSet(ctx, set, i, unlinked)
	}
	return unlinked, ok
}

// forgetSet unlinks the entries named in a set that are of the kinds meant, and counts them.
func (c *Cache) forgetSet(ctx context.Context, set string, i rag.Invalidation, unlinked map[rag.CacheKind]int) (ok bool) {
	for passed := int64(0); ; {
		names, ok := c.members(ctx, set, passed, passed+forgetBatch-1)
		if !ok {
			return false
		}
		var meant []string
		for _, name := range names {
			if i.Of(kindOf(name)) {
				meant = append(meant, name)
			}
		}
		if !c.unlink(ctx, set, meant, unlinked) {
			return false
		}
		if passed += int64(len(names) - len(meant)); len(names) < forgetBatch {
			return true
		}
	}
}

func (c *Cache) members(ctx context.Context, set string, from, to int64) (names []string, ok bool) {
	err := c.options.Redis.Do(ctx, "forget", func(ctx context.Context, client redis.UniversalClient) (err error) {
		names, err = client.ZRange(ctx, set, from, to).Result()
		return err
	})
	return names, err == nil
}

// unlink drops entries, then takes their names out of the set: what fails between is unlinked by the next one who forgets.
func (c *Cache) unlink(ctx context.Context, set string, keys []string, unlinked map[rag.CacheKind]int) (ok bool) {
	if len(keys) == 0 {
		return true
	}
	err := c.options.Redis.Do(ctx, "forget", func(ctx context.Context, client redis.UniversalClient) error {
		replies := make([]*redis.IntCmd, len(keys))
		_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
			members := make([]any, len(keys))
			for i, key := range keys { // one by one: in a Redis Cluster they are in different slots
				replies[i], members[i] = p.Unlink(ctx, key), key
			}
			p.ZRem(ctx, set, members...)
			return nil
		})
		for i, reply := range replies {
			if n := int(reply.Val()); n > 0 {
				unlinked[kindOf(keys[i])] += n
			}
		}
		return err
	})
	return err == nil
}
