package cache

import (
	"context"
	"crypto/sha1" //nolint:gosec // of Redis' scripts; it tells values apart
	_ "embed"
	"encoding/hex"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ragservice/ragservice-operator/runtime/resilience"
)

const (
	// claimTTL is how long a claim outlives its server. A living one renews it every third of that.
	claimTTL = 5 * time.Second
	// claimPoll is how often a server that waits for another's work asks whether it is done.
	claimPoll = 25 * time.Millisecond
)

//go:embed claim.lua
var claimSource string

var (
	claimScript = redis.NewScript(claimSource)
	renewScript = redis.NewScript(`if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0`)
)

// releaseSource ends a claim, unless another server has it.
const releaseSource = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`

// release ends a claim of a server's, through a client or in a pipeline.
func release(ctx context.Context, client redis.Cmdable, key, server string) error {
	return client.Eval(ctx, releaseSource, []string{claimKey(key)}, server).Err()
}

// claimKey names the claim of a value. The braces put it into the value's slot of a Redis Cluster; keys have none of their own.
func claimKey(key string) string { return "{" + key + "}:claim" }

// getOrClaim is the value of a key, or who works on it: this server (c.id) when nobody else does. A value that equals ignored, as
// SHA-1, counts as none.
func (c *Cache) getOrClaim(ctx context.Context, key, ignored string) (value []byte, owner string, err error) {
	err = c.options.Redis.Do(ctx, "get", func(ctx context.Context, client redis.UniversalClient) error {
		reply, err := claimScript.Run(ctx, client, []string{key, claimKey(key)}, c.id, claimTTL.Milliseconds(), ignored).Slice()
		if err != nil {
			return err
		}
		if text, ok := reply[0].(string); ok {
			value = []byte(text)
		}
		owner, _ = reply[1].(string)
		return nil
	})
	return value, owner, err
}

// claimed renews this server's claim of a key until the returned function is called.
func (c *Cache) claimed(key string) (end func()) {
	done := make(chan struct{})
	go func() {
		tick := time.NewTicker(claimTTL / 3)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			_ = c.options.Redis.Do(context.Background(), "claim", func(ctx context.Context, client redis.UniversalClient) error {
				return renewScript.Run(ctx, client, []string{claimKey(key)}, c.id, claimTTL.Milliseconds()).Err()
			})
		}
	}()
	return func() { close(done) }
}

// awaitOther waits until the server that works on a result has kept it, and returns it; not ok when this server has to make
// it: the other one has failed, was killed, or has made what is not kept, or Redis is lost. It waits for one server alone: what is never
// kept would else be made by one after the other, while requests wait in all.
func (k *kind[Q, V]) awaitOther(ctx context.Context, l *lookup[Q], before int64) (e entry[V], ok bool, err error) {
	tick := time.NewTicker(claimPoll)
	defer tick.Stop()
	for first := l.owner; l.owner == first && first != "" && first != k.cache.id; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return entry[V]{}, false, context.Cause(ctx)
		}
		found := k.fetch(resilience.WithoutRedisBudget(ctx), l, before, true)
		if l.owner, l.expired = found.owner, found.expired; found.outcome == LookupHit {
			k.cache.options.OnLookup(k.name, LayerRedis, LookupHit)
			return found.entry, true, nil
		}
	}
	return entry[V]{}, false, nil
}

// fingerprint is a value's SHA-1 as Redis' scripts write it.
func fingerprint(value []byte) string {
	sum := sha1.Sum(value) //nolint:gosec // see the import
	return hex.EncodeToString(sum[:])
}
