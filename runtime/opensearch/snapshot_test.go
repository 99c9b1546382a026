package opensearch_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/opensearch"
	"github.com/ragservice/ragservice-operator/runtime/terms"
)

// snapshotsOf are the snapshots of a service that is called like its index, in a repository of its own.
func snapshotsOf(s *opensearch.Store, index string) *opensearch.Snapshots {
	return snapshotsIn(index, s, index)
}

// snapshotsIn are those of a service in a repository that others share.
func snapshotsIn(repository string, s *opensearch.Store, index string) *opensearch.Snapshots {
	return opensearch.NewSnapshots(s, config.Snapshots{Repository: repository, Location: repository, Keep: 2}, serviceOf(index), nil)
}

func serviceOf(index string) config.Service { return config.Service{Namespace: "prod", Name: index} }

// openWithDocument makes a Store of the document "kept".
func openWithDocument(t *testing.T, index string, o opensearch.Options) *opensearch.Store {
	t.Helper()
	store := open(t, index, o)
	if err := store.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := writeText(t.Context(), store, "kept", germanText); err != nil {
		t.Fatal(err)
	}
	if err := store.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store
}

func take(t *testing.T, s *opensearch.Snapshots) opensearch.Snapshot {
	t.Helper()
	taken, err := s.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return taken
}

// TestPruneKeepsTheNewest, and what is of others in the same repository.
func TestPruneKeepsTheNewest(t *testing.T) {
	t.Parallel()
	index := newIndex()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	store := openWithDocument(t, index, opensearch.Options{Now: func() time.Time { return now }})
	mine := snapshotsOf(store, index)
	others := snapshotsIn(index, store, index+"-b")
	of := map[*opensearch.Snapshots][]string{}
	for range 4 {
		for _, s := range []*opensearch.Snapshots{mine, others} {
			of[s] = append(of[s], take(t, s).Name)
		}
		now = now.Add(time.Hour)
	}
	if want := "prod." + index + "-20260102-030405"; of[mine][0] != want {
		t.Errorf("the first is called %s, want %s", of[mine][0], want)
	}
	askOpenSearch(t, http.MethodPut, "/_snapshot/"+index+"/prod."+index+"-by-hand?wait_for_completion=true", map[string]any{
		"indices": index, "metadata": map[string]any{"index": 1, "version": []any{2}},
	}, nil)
	deleted, err := mine.Prune(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(deleted)
	if diff := cmp.Diff(of[mine][:2], deleted); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{of[mine][3], of[mine][2]}, names(t, mine)); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	if left := names(t, others); len(left) != 4 {
		t.Errorf("of another service are left %q, want all", left)
	}
	if again, err := mine.Prune(t.Context()); again != nil || err != nil {
		t.Errorf("a second time deletes %q, %v", again, err)
	}
	var byHand struct{ Snapshots []any }
	askOpenSearch(t, http.MethodGet, "/_snapshot/"+index+"/prod."+index+"-by-hand", nil, &byHand)
	if len(byHand.Snapshots) != 1 {
		t.Error("what a person took is gone")
	}
}

func names(t *testing.T, s *opensearch.Snapshots) []string {
	t.Helper()
	all, err := s.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, one := range all {
		out = append(out, one.Name)
	}
	return out
}

// TestTakeWaitsForTheOneUnderWay, which goes on without the process that began it.
func TestTakeWaitsForTheOneUnderWay(t *testing.T) {
	t.Parallel()
	index := newIndex()
	store := open(t, index, opensearch.Options{})
	if err := store.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		if err := writeText(t.Context(), store, fmt.Sprintf("d%d", i), strings.Repeat(fmt.Sprintf("word%d ", i*7919), 200)); err != nil {
			t.Fatal(err)
		}
	}
	askOpenSearch(t, http.MethodPut, "/_snapshot/"+index, map[string]any{"type": "fs", "settings": map[string]any{
		"location": index, "max_snapshot_bytes_per_sec": "20kb",
	}}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	told := make(chan int64, 100)
	slow := opensearch.NewSnapshots(store, config.Snapshots{Repository: index, Keep: 1}, serviceOf(index), func(_, total int64) {
		told <- total
		cancel()
	})
	if taken, err := slow.Take(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("took %+v, %v; want to be cancelled on the way", taken, err)
	}
	if total := <-told; total <= 0 {
		t.Errorf("told of %d bytes", total)
	}
	begun := names(t, slow)
	if taken := take(t, slow); len(begun) != 1 || taken.Name != begun[0] || taken.State != opensearch.SnapshotSuccess {
		t.Errorf("took %+v, want the end of %q", taken, begun)
	}
}

// TestSnapshotErrors tell what to do.
func TestSnapshotErrors(t *testing.T) {
	t.Parallel()
	index := newIndex()
	store := open(t, index, opensearch.Options{})
	if err := store.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	with := func(where config.Snapshots) *opensearch.Snapshots {
		where.Keep = 1
		return opensearch.NewSnapshots(store, where, serviceOf(index), nil)
	}
	good := with(config.Snapshots{Repository: index, Location: index})
	taken := take(t, good)
	older := snapshotsIn(index, open(t, index+"-other", opensearch.Options{Analyser: terms.New([]string{"de"})}), index)
	askOpenSearch(t, http.MethodPut, "/_snapshot/"+index+"/prod."+index+"-20200101-000000?wait_for_completion=true", map[string]any{
		"indices": index, "metadata": map[string]any{"index": index + "-v99-1-en", "version": "99-1-en"},
	}, nil)
	askOpenSearch(t, http.MethodPut, "/_snapshot/"+index+"/prod."+index+"-20200101-000001?wait_for_completion=true", map[string]any{"indices": index}, nil)
	nowhere := with(config.Snapshots{Repository: index + "-none"})
	for name, c := range map[string]struct {
		do   func() error
		want string
	}{
		"no repository": {func() error { _, err := nowhere.Take(t.Context()); return err }, "spec.openSearch.snapshots.repository"},
		"no folder": {func() error {
			_, err := with(config.Snapshots{Repository: index + "-bad", Location: "/proc/none"}).Take(t.Context())
			return err
		}, "every node of OpenSearch must be able to write"},
		"no snapshot":   {func() error { return good.Restore(t.Context(), "prod."+index+"-20190101-000000") }, "no such snapshot as prod." + index},
		"of another":    {func() error { return good.Restore(t.Context(), "prod.other-20190101-000000") }, "no such snapshot as prod.other"},
		"a pattern":     {func() error { return good.Restore(t.Context(), "prod."+index+"-*") }, "no such snapshot"},
		"not of ours":   {func() error { return good.Restore(t.Context(), "prod."+index+"-20200101-000001") }, "does not say which index"},
		"newer":         {func() error { return older.Restore(t.Context(), "prod."+index+"-20200101-000000") }, "newer than this server's"},
		"under a lease": {func() error { return restoreBeside(t, store, good, taken.Name) }, "another restore is under way"},
	} {
		if err := c.do(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestNoSnapshotOfDocumentsThatAreLost: those that hold them would go, one for each.
func TestNoSnapshotOfDocumentsThatAreLost(t *testing.T) {
	t.Parallel()
	index := newIndex()
	store := open(t, index, opensearch.Options{})
	snapshots := snapshotsOf(store, index)
	if _, err := snapshots.Take(t.Context()); err == nil || !strings.Contains(err.Error(), "whose index the first server makes") {
		t.Errorf("before there is an index: %v", err)
	}
	if err := store.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	first := take(t, snapshots) // of none that were lost
	if _, err := snapshots.Take(t.Context()); !errors.Is(err, opensearch.ErrNothingToKeep) {
		t.Errorf("a second time: %v", err)
	}
	if left := names(t, snapshots); len(left) != 1 || left[0] != first.Name {
		t.Errorf("there are %q", left)
	}
}

// TestTakeBesideAnotherOfTheSameSecond: both take that one snapshot.
func TestTakeBesideAnotherOfTheSameSecond(t *testing.T) {
	t.Parallel()
	index := newIndex()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	store := openWithDocument(t, index, opensearch.Options{Now: func() time.Time { return now }})
	first := take(t, snapshotsOf(store, index))
	if second := take(t, snapshotsOf(store, index)); second.Name != first.Name || second.State != opensearch.SnapshotSuccess {
		t.Errorf("took %+v, want that of before, %+v", second, first)
	}
}
