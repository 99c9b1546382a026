package cache

import (
	"context"
	"sync"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// generationWatch notices that the documents changed, here or through another server.
type generationWatch struct {
	mu   sync.Mutex
	last rag.Generation
}

// changed reports whether current is another generation than the last.
func (w *generationWatch) changed(current rag.Generation) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last == current {
		return false
	}
	w.last = current
	return true
}

// generation is the generation under which searches may be served now; false when it is not confirmed. When it has
// changed, what memory holds of others is dropped: nothing finds it, and it may hold text of deleted documents.
func (c *Cache) generation(ctx context.Context) (rag.Generation, bool) {
	current, confirmed := c.options.Generations.Current(ctx)
	if confirmed && c.seen.changed(current) {
		c.local.purge(current) // a millisecond or so, for the first request that sees the change
	}
	return current, confirmed
}
