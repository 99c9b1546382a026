package cache

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ragservice/ragservice-operator/runtime/resilience"
)

const (
	// maxPending values and maxPendingBytes of them bound what waits to be written. What comes when it is full is not
	// written: the result is in memory. 8 MiB are 400 search results of the default size.
	maxPending      = 256
	maxPendingBytes = 8 << 20
)

// write is a value on its way to Redis.
type write struct {
	key string
	// claim is the key of the result whose claim ends with the write; empty for none. A write without a value does that alone.
	claim    string
	value    []byte
	storedAt time.Time
	ttl      time.Duration
	// sets name the documents whose text is in the value, and last its tenant; tenants is the set of those.
	sets    []string
	tenants string
	// valid reports whether the value may still be stored.
	valid func() bool
}

// writer writes to Redis in the background, when the result is with its readers.
type writer struct {
	redis   *resilience.Redis
	id      string // of the server, in claims
	pending chan write
	bytes   atomic.Int64 // of the values in pending, and of the one that is being written
	stop    sync.Once
	stopped chan struct{}
	done    chan struct{}
}

func newWriter(r *resilience.Redis, id string) *writer {
	w := &writer{
		redis: r, id: id, pending: make(chan write, maxPending), stopped: make(chan struct{}), done: make(chan struct{}),
	}
	go w.run()
	return w
}

// add never waits. It reports whether the value will be written.
func (w *writer) add(value write) bool {
	size := int64(len(value.value))
	if w.bytes.Add(size) > maxPendingBytes {
		w.bytes.Add(-size)
		return false
	}
	select {
	case w.pending <- value:
		return true
	default:
		w.bytes.Add(-size)
		return false
	}
}

// take writes a value that was pending.
func (w *writer) take(value write) {
	defer w.bytes.Add(-int64(len(value.value)))
	w.write(value)
}

func (w *writer) run() {
	defer close(w.done)
	for {
		select {
		case value := <-w.pending:
			w.take(value)
			continue
		default:
		}
		select {
		case value := <-w.pending:
			w.take(value)
		case <-w.stopped:
			return
		}
	}
}

// close waits until all was written, or ctx ends.
func (w *writer) close(ctx context.Context) error {
	w.stop.Do(func() { close(w.stopped) })
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// write stores a value and names it in its documents' sets, in one round trip. When the documents have changed
// meanwhile it takes the value back. Errors are told by the Redis guard; the value is only a copy.
func (w *writer) write(value write) {
	ctx := context.Background() // the request may have ended; the guard bounds the call
	if value.value == nil || !value.valid() {
		if value.claim != "" { // one that it does not reach ends by itself
			_ = w.redis.Do(ctx, "claim", func(ctx context.Context, client redis.UniversalClient) error {
				return release(ctx, client, value.claim, w.id)
			})
		}
		return
	}
	_ = w.redis.Do(ctx, "set", func(ctx context.Context, client redis.UniversalClient) error {
		_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, set := range value.sets {
				value.nameIn(ctx, p, set, value.key, value.ttl)
			}
			value.nameIn(ctx, p, value.tenants, value.sets[len(value.sets)-1], value.ttl)
			p.Set(ctx, value.key, compress(value.value), value.ttl) // after its names: a deletion finds what is there
			if value.claim != "" {
				return release(ctx, p, value.claim, w.id)
			}
			return nil
		})
		return err
	})
	if !value.valid() {
		_ = w.redis.Do(ctx, "unlink", func(ctx context.Context, client redis.UniversalClient) error {
			return client.Unlink(ctx, value.key).Err()
		})
	}
}

// nameSource adds a name to a set, sorted by when what is named expires, so that the set loses it then, and keeps the set as long as the
// last of them. (ZADD GT is of Redis 6.2, EXPIRE GT of 7.) KEYS: the set's. ARGV: the name; when what is named expires and now, in
// seconds of the server that writes; for how many seconds to keep the set.
const nameSource = `local known = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not known or tonumber(known) < tonumber(ARGV[2]) then redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1]) end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[3])
if redis.call('TTL', KEYS[1]) < tonumber(ARGV[4]) then redis.call('EXPIRE', KEYS[1], ARGV[4]) end`

// nameIn names in a set what is kept for ttl.
func (v write) nameIn(ctx context.Context, p redis.Pipeliner, set, name string, ttl time.Duration) {
	p.Eval(ctx, nameSource, []string{set}, name, v.storedAt.Add(ttl).Unix(), v.storedAt.Unix(), int64(ttl/time.Second)+1)
}
