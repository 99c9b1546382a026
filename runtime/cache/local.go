package cache

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// overhead is what an entry takes besides its encoded size: otter's node, our structs, slices and map.
const overhead = 512

// local is the layer in this server's memory. otter bounds it by weight, lets each entry have its own time to live and
// takes another bound while it runs; it keeps what is used often (W-TinyLFU), so that a scan of rare questions does not
// push out the common ones. (hashicorp/golang-lru counts entries, not bytes; ristretto may drop a write or show it late.)
type local struct {
	entries *otter.Cache[string, localEntry]
	bound   atomic.Int64
}

// localEntry is an entry in memory, with what is needed to drop it.
type localEntry struct {
	entry     any // *entry[rag.Retrieval] or *entry[rag.Completion]
	storedAt  time.Time
	kind      rag.CacheKind
	ttl       time.Duration
	size      int
	tenant    string
	documents []string
	token     rag.Token // of a search; empty for an answer
}

func newLocal(maxBytes int64) *local {
	l := &local{entries: otter.Must(&otter.Options[string, localEntry]{
		MaximumWeight: weight(maxBytes),
		Weigher: func(key string, h localEntry) uint32 {
			return uint32(min(len(key)+h.size+overhead, 1<<31)) //nolint:gosec // bounded
		},
		ExpiryCalculator: otter.ExpiryWritingFunc(func(e otter.Entry[string, localEntry]) time.Duration {
			return max(e.Value.ttl, 1)
		}),
	})}
	l.bound.Store(maxBytes)
	return l
}

// weight is a bound in otter's terms, where 0 would mean none.
func weight(maxBytes int64) uint64 { return uint64(max(maxBytes, 1)) }

// resize follows the configuration.
func (l *local) resize(maxBytes int64) {
	if l.bound.Load() != maxBytes && l.bound.Swap(maxBytes) != maxBytes {
		l.entries.SetMaximum(weight(maxBytes))
	}
}

func (l *local) get(key string) (any, bool) {
	h, ok := l.entries.GetIfPresent(key)
	return h.entry, ok
}

func (l *local) put(key string, h localEntry) { l.entries.Set(key, h) }

// putUnlessOlder is put for what comes from Redis: a look-up that took long must not undo what was kept meanwhile.
func (l *local) putUnlessOlder(key string, h localEntry) {
	l.entries.Compute(key, func(old localEntry, found bool) (localEntry, otter.ComputeOp) {
		if found && h.storedAt.Before(old.storedAt) {
			return old, otter.CancelOp
		}
		return h, otter.WriteOp
	})
}

func (l *local) remove(key string) { l.entries.Invalidate(key) }

// forget drops what is meant, and counts it.
func (l *local) forget(i rag.Invalidation) map[rag.CacheKind]int {
	dropped := map[rag.CacheKind]int{}
	l.drop(func(h localEntry) bool {
		meant := i.Of(h.kind) && (i.AllTenants || h.tenant == i.Tenant) && (i.DocumentID == "" || slices.Contains(h.documents, i.DocumentID))
		if meant {
			dropped[h.kind]++
		}
		return meant
	})
	return dropped
}

// purge drops a tenant's searches of other tokens than current: no request can find them.
func (l *local) purge(tenant string, current rag.Token) {
	l.drop(func(h localEntry) bool { return h.tenant == tenant && h.token != "" && h.token != current })
}

func (l *local) drop(gone func(localEntry) bool) {
	for key, h := range l.entries.All() {
		if gone(h) {
			l.entries.Invalidate(key)
		}
	}
}

func (l *local) close() { l.entries.StopAllGoroutines() }
