package opensearch_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/opensearch"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// A change whose writer was killed is closed by another replica, after what it wrote is visible; one whose writer lives
// is not.
func TestAbandonedChangeIsClosed(t *testing.T) {
	t.Parallel()
	index := newIndex()
	options := opensearch.Options{AbandonedAfter: 4 * time.Second}
	killed, living, watcher := open(t, index, options), open(t, index, options), open(t, index, options)
	run(t, watcher)
	run(t, living)
	for tenant, store := range map[string]*opensearch.Store{"killed": killed, "living": living} {
		if _, err := store.Begin(t.Context(), tenant); err != nil { // killed does not run, so nothing renews its change
			t.Fatal(err)
		}
	}
	d := versioned(t, "written", 3)
	if _, err := killed.Write(t.Context(), t.Name(), []rag.ChunkedDocument{d}); err != nil {
		t.Fatal(err)
	}
	isOpen := func(tenant string) func() bool {
		return func() bool { s := watcher.Current(t.Context(), tenant); return s.Confirmed && s.Open }
	}
	eventually(t, "the watcher sees the changes", func() bool { return isOpen("killed")() && isOpen("living")() })
	eventually(t, "the abandoned change is closed", func() bool {
		s := watcher.Current(t.Context(), "killed")
		return s.Confirmed && !s.Open
	})
	wantOnly(t, watcher, "written", 3)
	if !isOpen("living")() {
		t.Error("the change of a living writer was closed")
	}
}

// Replicas that change the control document at once lose none of the changes.
func TestChangesOfManyReplicasAtOnce(t *testing.T) {
	t.Parallel()
	index := newIndex()
	watcher := open(t, index, opensearch.Options{})
	run(t, watcher)
	changes := make(chan rag.Change, 24)
	var group sync.WaitGroup
	for range 3 {
		store := open(t, index, opensearch.Options{})
		for range cap(changes) / 3 {
			group.Go(func() {
				c, err := store.Begin(t.Context(), "t")
				if err != nil {
					t.Error(err)
					return
				}
				changes <- c
			})
		}
	}
	group.Wait()
	close(changes)
	settled := func() rag.State {
		t.Helper()
		if err := watcher.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		publishOther(t, watcher) // reads the newest document
		return watcher.Current(t.Context(), "t")
	}
	first := true
	for c := range changes {
		if !first && !settled().Open {
			t.Fatal("the tenant is closed before its last change is published")
		}
		first = false
		if err := c.Publish(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if settled().Open {
		t.Error("the tenant is open after its last change was published")
	}
}

// publishOther makes a change of another tenant.
func publishOther(t *testing.T, s *opensearch.Store) {
	t.Helper()
	change, err := s.Begin(t.Context(), "other")
	if err == nil {
		err = change.Publish(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A lease whose holder was killed is taken over by another replica after its ttl, and the holder that comes back loses it.
func TestLeaseOfAKilledHolder(t *testing.T) {
	t.Parallel()
	index := newIndex()
	target := newWay(t, throughTo(t))
	holder, other := openAt(t, index, target.URL), open(t, index, opensearch.Options{})
	run(t, other)
	const ttl = 3 * time.Second
	holding, lost := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(lost)
		_, _ = holder.Lease(t.Context(), "work", ttl, func(ctx context.Context) error {
			close(holding)
			<-ctx.Done()
			return nil
		})
	}()
	<-holding
	target.cut.Store(true)
	eventually(t, "the lease is taken over", func() bool {
		held, err := other.Lease(t.Context(), "work", ttl, func(context.Context) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		return held
	})
	eventually(t, "the holder knows that it lost the lease", func() bool {
		select {
		case <-lost:
			return true
		default:
			return false
		}
	})
}
