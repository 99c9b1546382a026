package storetest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// A tenant's token is open from the first change that begins to the last that is published, changes with each step, and
// no step changes another tenant's.
func testChanges(t *testing.T, s tenant) {
	other := tenant{s.Store, s.name + "-other"}
	others := other.confirmed(t)
	last := s.confirmed(t).Token
	step := func(what string, do func() error, open bool) {
		t.Helper()
		if err := do(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		now := s.confirmed(t)
		if now.Token == last || now.Open != open {
			t.Errorf("after %s the token is %q (before: %q), open %t; want another, open %t", what, now.Token, last, now.Open, open)
		}
		last = now.Token
	}
	var changes [2]rag.Change
	begin := func(i int) func() error {
		return func() (err error) { changes[i], err = s.Begin(t.Context(), s.name); return err }
	}
	publish := func(i int) func() error { return func() error { return changes[i].Publish(t.Context()) } }
	step("the first change begins", begin(0), true)
	step("a second begins", begin(1), true)
	step("the first is published", publish(0), true)
	step("the second is published", publish(1), false)
	changes[0].Abandon()
	if err := s.Settle(t.Context()); err != nil {
		t.Errorf("Settle: %v", err)
	}
	if now := s.confirmed(t); now.Token != last || now.Open || now.Index == "" {
		t.Errorf("the state became %+v without a change, want the token %q, closed, and an index", now, last)
	}
	if now := other.confirmed(t); now.Token != others.Token || now.Open != others.Open {
		t.Errorf("another tenant's state became %+v, want %+v", now, others)
	}
}

// An invalidation draws new tokens for what it means, and leaves another tenant's.
func testInvalidation(t *testing.T, s tenant) {
	other := tenant{s.Store, s.name + "-other"}
	before, others := s.confirmed(t), other.confirmed(t)
	if err := s.Invalidate(t.Context(), rag.Invalidation{Tenant: s.name, DocumentID: "a"}); err != nil {
		t.Fatal(err)
	}
	after := s.confirmed(t)
	if after.Token == before.Token || after.Open || after.Answers.Document("a") == before.Answers.Document("a") {
		t.Errorf("the state became %+v, want new tokens of searches and of answers from the document, closed", after)
	}
	if now := other.confirmed(t); now.Token != others.Token || now.Answers.Tenant() != others.Answers.Tenant() {
		t.Errorf("another tenant's state became %+v, want %+v", now, others)
	}
}

// confirmed waits for a confirmed state.
func (s tenant) confirmed(t *testing.T) rag.State {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for tick := time.NewTicker(5 * time.Millisecond); ; {
		if state := s.Current(ctx, s.name); state.Confirmed {
			return state
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("no state was confirmed within %s", patience)
		}
	}
}

// patience bounds the wait for an event; nothing is slow for its own reasons.
const patience = time.Minute

// A lease is held by one at a time, and free again when its work has ended.
func testLease(t *testing.T, store Store) {
	const ttl = time.Minute
	ended := errors.New("ended")
	held, err := store.Lease(t.Context(), "work", ttl, func(ctx context.Context) error {
		again, err := store.Lease(ctx, "work", ttl, func(context.Context) error { t.Error("a held lease was given"); return nil })
		if again || err != nil {
			t.Errorf("asking for a held lease gave %t, %v", again, err)
		}
		other, err := store.Lease(ctx, "other work", ttl, func(context.Context) error { return nil })
		if !other || err != nil {
			t.Errorf("asking for another lease gave %t, %v", other, err)
		}
		return ended
	})
	if !held || !errors.Is(err, ended) {
		t.Errorf("the lease was held %t with %v, want true and the error of the work", held, err)
	}
	if held, err := store.Lease(t.Context(), "work", ttl, func(context.Context) error { return nil }); !held || err != nil {
		t.Errorf("after its work the lease gave %t, %v", held, err)
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
