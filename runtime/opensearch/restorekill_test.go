package opensearch_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/opensearch"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// TestRestoreKilledAfterEveryWrite: whichever write is its last, a server of before finds all documents of before or all of the snapshot, writes,
// and leaves one index.
func TestRestoreKilledAfterEveryWrite(t *testing.T) { //nolint:tparallel // some at a time
	t.Parallel()
	repository := newIndex()
	for name, c := range map[string]interrupted{
		"killed":                          {repository: repository},
		"killed while it copies":          {repository: repository, shards: 2},
		"one answer lost":                 {repository: repository, survives: true},
		"one answer lost while it copies": {repository: repository, shards: 2, survives: true},
	} {
		t.Run(name, func(t *testing.T) { c.everywhere(t, c.oneOrTheOther) })
	}
}

// interrupted is a restore of an index that is killed at a write, or survives that its answer is lost.
type interrupted struct {
	repository string
	shards     int
	survives   bool
}

// everywhere interrupts a restore at each of its writes, some at a time, and has the index looked at afterwards.
func (c interrupted) everywhere(t *testing.T, after func(*testing.T, string) error) {
	t.Helper()
	writes, err := c.restoring(t, newIndex(), 0)
	if err != nil || writes < 5 {
		t.Fatalf("a whole restore: %d writes, %v; want 5 at least", writes, err)
	}
	t.Logf("a restore has %d writes", writes)
	eachWrite(writes, func(last int) {
		var index string
		if err := inTime(func() (err error) {
			index = newIndex()
			_, err = c.restoring(t, index, last)
			return err
		}); err != nil {
			t.Errorf("write %d: %v", last, err)
			return
		}
		if err := after(t, index); err != nil {
			t.Errorf("after write %d: %v", last, err)
		}
	})
}

// inTime tries again what OpenSearch, on a machine that is busy with others, was too late for.
func inTime(try func() error) (err error) {
	for range 5 {
		if err = try(); !errors.Is(err, rag.ErrSearchTimeout) {
			return err
		}
	}
	return err
}

// restoring takes a snapshot of the document "old", replaces it by "new", and restores until the process dies with a write, or to the end.
func (c interrupted) restoring(t *testing.T, index string, last int) (writes int, err error) {
	t.Helper()
	store, err := opensearch.New(opensearch.Options{
		Config: config.OpenSearch{URLs: []string{backends.OpenSearch(t)}, Index: index, Shards: c.shards}, Timeout: time.Minute,
	})
	if err != nil {
		return 0, err
	}
	defer func() { _ = store.Close() }()
	if err := store.Ensure(t.Context()); err != nil {
		return 0, err
	}
	if err := writeText(t.Context(), store, "old", germanText); err != nil {
		return 0, err
	}
	taken, err := snapshotsIn(c.repository, store, index).Take(t.Context())
	if err != nil {
		return 0, err
	}
	if err := store.Delete(t.Context(), "t", "old"); err != nil {
		return 0, err
	}
	if err := writeText(t.Context(), store, "new", germanText); err != nil {
		return 0, err
	}
	way := newMortal(t, last)
	way.survives = c.survives
	mortal, err := opensearch.New(opensearch.Options{
		Config: config.OpenSearch{URLs: []string{way.URL}, Index: index, Shards: c.shards}, Timeout: rebuildTimeout,
	})
	if err != nil {
		return 0, err
	}
	defer func() { _ = mortal.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if !c.survives {
		go func() { <-way.died; cancel() }()
	}
	err = snapshotsIn(c.repository, mortal, index).Restore(ctx, taken.Name)
	if last > 0 {
		if way.count() < last {
			return 0, errors.Join(fmt.Errorf("write %d never came", last), err)
		}
		err = nil
	}
	return way.count(), err
}

// oneOrTheOther has a server look after an index of which a restore was interrupted.
func (c interrupted) oneOrTheOther(t *testing.T, index string) error {
	t.Helper()
	next, end, err := nextServer(t, index, opensearch.Options{Config: config.OpenSearch{Shards: c.shards}})
	if err != nil {
		return err
	}
	defer end()
	if !await(t, func() bool { return len(indicesOf(t, index)) == 1 }) {
		return fmt.Errorf("the indices are %q, want one", indicesOf(t, index))
	}
	if !await(t, func() bool { return writeText(t.Context(), next, "later", germanText) == nil }) {
		return errors.New("no write goes through")
	}
	if err := next.Refresh(t.Context()); err != nil {
		return err
	}
	found, err := foundIDs(t.Context(), next, "Häuser")
	if err != nil {
		return err
	}
	all := slices.Sorted(maps.Keys(found))
	if !slices.Equal(all, []string{"later", "new"}) && !slices.Equal(all, []string{"later", "old"}) {
		return fmt.Errorf("a search shows %q, want later and one of new and old", all)
	}
	return nil
}

// TestRestoreAfterOneThatWasKilled at any write, before a server has looked after that: it ends, with what the snapshot has in one index.
func TestRestoreAfterOneThatWasKilled(t *testing.T) {
	t.Parallel()
	c := interrupted{repository: newIndex()}
	c.everywhere(t, c.again)
}

// again restores the only snapshot of an index, with no server at work.
func (c interrupted) again(t *testing.T, index string) error {
	t.Helper()
	if err := endLease(t, index); err != nil {
		return err
	}
	store, err := opensearch.New(opensearch.Options{Config: config.OpenSearch{URLs: []string{backends.OpenSearch(t)}, Index: index}, Timeout: rebuildTimeout})
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }()
	snapshots := snapshotsIn(c.repository, store, index)
	all, err := snapshots.List(t.Context())
	if err != nil {
		return err
	}
	if len(all) != 1 {
		return fmt.Errorf("%d snapshots, want one", len(all))
	}
	if err := inTime(func() error { return snapshots.Restore(t.Context(), all[0].Name) }); err != nil {
		return err
	}
	if left, used := indicesOf(t, index), inUse(t, index); len(left) != 1 || left[0] != used {
		return fmt.Errorf("the indices are %q, want %s alone, which is in use", left, used)
	}
	_, err = store.Document(t.Context(), "t", "old")
	if _, newErr := store.Document(t.Context(), "t", "new"); err == nil && newErr == nil {
		err = errors.New("what was written after the snapshot is there")
	}
	return err
}
