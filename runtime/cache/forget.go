package cache

import (
	"context"
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ragservice/ragservice-operator/runtime/resilience"
)

const (
	// forgetBatch is how many entries are unlinked in one round trip.
	forgetBatch = 500
	// forgetTimeout bounds the unlinking of a document's entries: a hundred batches and more.
	forgetTimeout = 2 * time.Second
)

// Forget drops every entry that holds text of a document: in memory, in Redis, and those that are being made here. What
// it cannot reach (Redis is down, or other servers' memory) no request can find, and ends with its time to live.
func (c *Cache) Forget(ctx context.Context, tenant, documentID string) {
	c.forgotten.mark(tenant, documentID)
	c.local.forget(tenant, documentID)
	if c.options.Redis == nil {
		return
	}
	ctx, cancel := context.WithTimeout(resilience.WithoutRedisBudget(ctx), forgetTimeout)
	defer cancel()
	set := documentKey(&c.options.Config().Service, tenant, documentID)
	for c.forgetSome(ctx, set) {
	}
}

// forgetSome unlinks a batch of the entries named in set. It reports whether there are more; an error, which the Redis
// guard tells, ends the work.
func (c *Cache) forgetSome(ctx context.Context, set string) (more bool) {
	var keys []string
	err := c.options.Redis.Do(ctx, "forget", func(ctx context.Context, client redis.UniversalClient) (err error) {
		keys, err = client.ZRange(ctx, set, 0, forgetBatch-1).Result()
		return err
	})
	if err != nil || len(keys) == 0 {
		return false
	}
	members := make([]any, len(keys))
	for i, key := range keys {
		members[i] = key
	}
	err = c.options.Redis.Do(ctx, "forget", func(ctx context.Context, client redis.UniversalClient) error {
		_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, key := range keys { // one by one: in a Redis Cluster they are in different slots
				p.Unlink(ctx, key)
			}
			p.ZRem(ctx, set, members...) // after the entries: a batch that fails between is unlinked by the next deletion
			return nil
		})
		return err
	})
	return err == nil && len(keys) == forgetBatch
}

// forgotten remembers when documents were forgotten, so that work which began before does not store their text after. It
// has a fixed size: documents share its slots by hash, and the worst of it is a result that is not stored.
type forgotten struct {
	count atomic.Int64
	slots [1024]atomic.Int64
}

var slotSeed = maphash.MakeSeed()

func (f *forgotten) slot(tenant, documentID string) *atomic.Int64 {
	h := maphash.Comparable(slotSeed, [2]string{tenant, documentID})
	return &f.slots[h%uint64(len(f.slots))]
}

// now is the moment to hand to since.
func (f *forgotten) now() int64 { return f.count.Load() }

func (f *forgotten) mark(tenant, documentID string) {
	f.slot(tenant, documentID).Store(f.count.Add(1))
}

// since reports whether one of the documents was forgotten after the moment.
func (f *forgotten) since(moment int64, tenant string, documentIDs []string) bool {
	for _, id := range documentIDs {
		if f.slot(tenant, id).Load() > moment {
			return true
		}
	}
	return false
}
