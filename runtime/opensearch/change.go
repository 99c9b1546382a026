package opensearch

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// change is a change that this replica has begun.
type change struct {
	store     *Store
	tenantKey string
	writer    string
}

// Begin draws a new token for the tenant. On this replica it holds at once, on the others within 500 ms. From then on Run
// renews the change until it ends.
func (s *Store) Begin(ctx context.Context, tenant string) (rag.Change, error) {
	c := &change{store: s, tenantKey: rag.TenantKey(tenant), writer: rand.Text()[:12]}
	err := s.changeControl(refusable(ctx), func(d *rag.ControlDocument) bool { d.Begin(c.tenantKey, c.writer); return true })
	if err != nil {
		return nil, err
	}
	s.control.mu.Lock()
	defer s.control.mu.Unlock()
	s.control.writers[c.writer] = c
	return c, nil
}

// Invalidate draws new tokens for cached results.
func (s *Store) Invalidate(ctx context.Context, i rag.Invalidation) error {
	return s.changeControl(refusable(ctx), func(d *rag.ControlDocument) bool { d.Invalidate(i); return true })
}

// Publish draws a new token for the tenant and closes the change. It is renewed no more: a renewal that came after would
// open it again.
func (c *change) Publish(ctx context.Context) error {
	c.Abandon()
	return c.store.changeControl(ctx, func(d *rag.ControlDocument) bool { d.Publish(c.tenantKey, c.writer); return true })
}

// Abandon ends the renewals.
func (c *change) Abandon() {
	c.store.control.mu.Lock()
	defer c.store.control.mu.Unlock()
	delete(c.store.control.writers, c.writer)
}

// renewChanges shows that the changes of this replica are under way.
func (s *Store) renewChanges(ctx context.Context) error {
	return s.changeControl(ctx, func(d *rag.ControlDocument) bool {
		s.control.mu.Lock()
		defer s.control.mu.Unlock()
		for _, c := range s.control.writers { // as it is now: a change that has ended must not be opened again
			d.Renew(c.tenantKey, c.writer)
		}
		return len(s.control.writers) > 0
	})
}

// closeAbandoned closes the changes whose writers show no sign of life. What they wrote is made visible first, so that
// the token which closes them is newer than it.
func (s *Store) closeAbandoned(ctx context.Context) error {
	s.control.mu.Lock()
	gone := s.control.abandoned.since(time.Now().Add(-s.abandonedAfter))
	s.control.mu.Unlock()
	if len(gone) == 0 {
		return nil
	}
	if err := s.Refresh(ctx); err != nil {
		return err
	}
	return s.changeControl(ctx, func(d *rag.ControlDocument) bool {
		closed := false
		for id, sign := range gone {
			if renewed, open := d.Tenants[id.tenantKey].Writers[id.writer]; open && renewed == sign.renewed {
				d.Publish(id.tenantKey, id.writer)
				closed = true
			}
		}
		return closed
	})
}

// writerID names a change under way in the control document.
type writerID struct{ tenantKey, writer string }

// sign is the last sign of life of a writer, and when this replica saw it first.
type sign struct {
	renewed int64
	since   time.Time
}

// abandonedWriters judges by this replica's own clock how long each writer has shown no sign: the clocks of others do
// not matter.
type abandonedWriters map[writerID]sign

// see takes up the writers of a document.
func (a abandonedWriters) see(d *rag.ControlDocument, now time.Time) {
	open := map[writerID]bool{}
	for tenantKey, entry := range d.Tenants {
		for writer, renewed := range entry.Writers {
			id := writerID{tenantKey: tenantKey, writer: writer}
			open[id] = true
			if seen, ok := a[id]; !ok || seen.renewed != renewed {
				a[id] = sign{renewed: renewed, since: now}
			}
		}
	}
	for id := range a {
		if !open[id] {
			delete(a, id)
		}
	}
}

// since are the writers whose last sign is older than the moment.
func (a abandonedWriters) since(moment time.Time) map[writerID]sign {
	var gone map[writerID]sign
	for id, seen := range a {
		if seen.since.Before(moment) {
			if gone == nil {
				gone = map[writerID]sign{}
			}
			gone[id] = seen
		}
	}
	return gone
}
