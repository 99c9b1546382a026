package localstore

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// indexName is the name of the index in rag.State: there is one.
const indexName = "local"

// control is the control document of a server that stands alone: nobody else can change it, and it ends with the process.
type control struct {
	mu       sync.Mutex
	document rag.ControlDocument
	leases   map[string]bool
}

func newControl(analyser string) control {
	return control{document: rag.NewControlDocument(indexName, analyser), leases: map[string]bool{}}
}

// Current is the tenant's state, always confirmed.
func (s *Store) Current(_ context.Context, tenant string) rag.State {
	s.control.mu.Lock()
	defer s.control.mu.Unlock()
	state := s.control.document.State(tenant)
	state.Confirmed = true
	return state
}

// Begin draws a new token for the tenant.
func (s *Store) Begin(_ context.Context, tenant string) (rag.Change, error) {
	c := &change{control: &s.control, tenantKey: rag.TenantKey(tenant), writer: rand.Text()}
	s.control.mu.Lock()
	defer s.control.mu.Unlock()
	s.control.document.Begin(c.tenantKey, c.writer)
	return c, nil
}

// Invalidate draws new tokens for cached results.
func (s *Store) Invalidate(_ context.Context, i rag.Invalidation) error {
	s.control.mu.Lock()
	defer s.control.mu.Unlock()
	s.control.document.Invalidate(i)
	return nil
}

// Settle returns at once: there is no other replica.
func (s *Store) Settle(context.Context) error { return nil }

// Lease runs work unless it runs already.
func (s *Store) Lease(ctx context.Context, name string, _ time.Duration, work func(context.Context) error) (held bool, err error) {
	if !s.control.acquire(name) {
		return false, nil
	}
	defer s.control.release(name)
	return true, work(ctx)
}

func (c *control) acquire(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.leases[name] {
		return false
	}
	c.leases[name] = true
	return true
}

func (c *control) release(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.leases, name)
}

// change is a change under way.
type change struct {
	control   *control
	tenantKey string
	writer    string
	ended     bool
}

// Publish draws a new token for the tenant and closes the change.
func (c *change) Publish(context.Context) error {
	c.Abandon()
	return nil
}

// Abandon publishes at once: what was written is visible when the call that wrote it returns.
func (c *change) Abandon() {
	c.control.mu.Lock()
	defer c.control.mu.Unlock()
	if !c.ended {
		c.ended = true
		c.control.document.Publish(c.tenantKey, c.writer)
	}
}
