package cache

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
)

// Layers of the cache, as hooks name them.
const (
	// LayerLocal is this server's memory.
	LayerLocal = "local"
	// LayerCoalesced is work that another request of this server has begun.
	LayerCoalesced = "coalesced"
	// LayerRedis is shared by all servers.
	LayerRedis = "redis"
)

// Outcomes of a lookup in a layer, as hooks name them. LookupError is a layer that could not be asked, or held something
// that could not be read.
const (
	LookupHit   = "hit"
	LookupMiss  = "miss"
	LookupError = "error"
	// LookupStale is an expired result that was served because nothing newer could be made.
	LookupStale = "stale"
)

// Options are what a Cache works with.
type Options struct {
	// Redis is the shared layer; nil for none. Calls to it are told to its own hook.
	Redis *resilience.Redis
	// Config is read once for each lookup: time to live, size, generation and enabled take effect at once.
	Config func() *config.Config
	// Control tells the state of the documents.
	Control rag.Control
	// Now is the clock; nil for time.Now.
	Now func() time.Time
	// OnLookup is told each lookup in a layer; may be nil.
	OnLookup func(kind rag.CacheKind, layer, outcome string)
}

// Cache keeps results in this server's memory and in Redis. It is safe for concurrent use.
type Cache struct {
	options Options
	// id names this server in claims.
	id        string
	local     *local
	writer    *writer // nil without Redis
	forgotten forgotten
	seen      tokenWatch
}

// New returns an empty cache. Close ends what it does in the background.
func New(o Options) *Cache {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.OnLookup == nil {
		o.OnLookup = func(rag.CacheKind, string, string) {}
	}
	c := &Cache{options: o, id: rand.Text(), local: newLocal(o.Config().Cache.LocalMaxBytes)}
	if o.Redis != nil {
		c.writer = newWriter(o.Redis, c.id)
	}
	return c
}

// Close waits until what is to be written to Redis was written, or ctx ends. Nothing is written after it. Requests must
// have ended before.
func (c *Cache) Close(ctx context.Context) error {
	defer c.local.close()
	if c.writer == nil {
		return nil
	}
	return c.writer.close(ctx)
}
