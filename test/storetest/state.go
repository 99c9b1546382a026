package storetest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// testGeneration is not parallel: the generation is the whole store's.
func testGeneration(t *testing.T, store Store) {
	before := confirmed(t, store)
	for range 3 {
		if err := store.Raise(t.Context()); err != nil {
			t.Fatal(err)
		}
		if after, ok := store.Current(t.Context()); after == before || after == "" || !ok {
			t.Errorf("after a Raise the generation is %q, confirmed %t; it was %q", after, ok, before)
		}
		before, _ = store.Current(t.Context())
	}
	if err := store.Settle(t.Context()); err != nil {
		t.Errorf("Settle: %v", err)
	}
	if after := confirmed(t, store); after != before {
		t.Errorf("the generation changed from %q to %q without a Raise", before, after)
	}
}

// confirmed waits for a confirmed generation.
func confirmed(t *testing.T, store Store) rag.Generation {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for tick := time.NewTicker(5 * time.Millisecond); ; {
		if token, ok := store.Current(ctx); ok {
			return token
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the generation was not confirmed within 20 s")
		}
	}
}

// A deletion may be repeated for a minute; then the document was never known, and its tombstone goes with a later one.
func testTombstones(t *testing.T, open func(t *testing.T, now func() time.Time) Store) {
	var clock atomic.Int64
	clock.Store(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
	s := tenant{open(t, func() time.Time { return time.Unix(0, clock.Load()) }), "tombstones"}
	s.write(t, []rag.Document{document("a", "one"), document("b", "two"), document("c", "three")})

	remove := func(id string, want error) {
		t.Helper()
		if err := s.Delete(t.Context(), s.name, id); !errors.Is(err, want) {
			t.Errorf("Delete(%q) gave %v, want %v", id, err, want)
		}
	}
	remove("a", nil)
	clock.Add(int64(59 * time.Second))
	remove("a", nil)
	remove("b", nil)
	clock.Add(int64(2 * time.Second))
	remove("a", rag.ErrPaperNotFound)
	remove("b", nil)
	remove("c", nil) // takes the tombstone of a along
	remove("a", rag.ErrPaperNotFound)
	remove("b", nil)
	s.write(t, []rag.Document{document("a", "one"), document("b", "two")})
	s.wantCount(t, 2)
}
