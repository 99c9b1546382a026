package cache

import (
	"context"
	"sync"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

const (
	// openTTL bounds results that were found while documents changed: the index may show more of the change any moment.
	openTTL = 2 * time.Second
	// maxWatched bounds the tenants whose last token is remembered, about 1 MB.
	maxWatched = 10_000
)

// tokenWatch notices that a tenant's documents changed, here or through another server.
type tokenWatch struct {
	mu   sync.Mutex
	last map[string]rag.Token
}

// changed reports whether current is another token than the tenant's last. When there are too many tenants it forgets
// all of them: a change too many is told, and costs a purge that finds nothing.
func (w *tokenWatch) changed(tenant string, current rag.Token) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last[tenant] == current {
		return false
	}
	if w.last == nil || len(w.last) >= maxWatched {
		w.last = map[string]rag.Token{}
	}
	w.last[tenant] = current
	return true
}

// state is that of the tenant's documents now. When its token has changed, what memory holds of others is dropped:
// nothing finds it, and it may hold text of deleted documents.
func (c *Cache) state(ctx context.Context, tenant string) rag.State {
	current := c.options.Control.Current(ctx, tenant)
	if current.Confirmed && c.seen.changed(tenant, current.Token) {
		c.local.purge(tenant, current.Token) // a millisecond or so, for the first request that sees the change
	}
	return current
}
