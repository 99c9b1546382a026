package opensearch_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/opensearch"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/terms"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// snapshotsOf are the snapshots of a service that is called like its index, in a repository of its own.
func snapshotsOf(s *opensearch.Store, index string) *opensearch.Snapshots {
	return opensearch.NewSnapshots(s, config.Snapshots{Repository: index, Location: index, Keep: 2}, serviceOf(index), nil)
}

func serviceOf(index string) config.Service { return config.Service{Namespace: "prod", Name: index} }

func take(t *testing.T, s *opensearch.Snapshots) opensearch.Snapshot {
	t.Helper()
	taken, err := s.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return taken
}

// TestRestore has a server search, write and delete all the time while documents are restored: nothing fails, no search misses a document
// that there was before and after, and in the end there are those of the snapshot, in one index.
func TestRestore(t *testing.T) {
	t.Parallel()
	english, german := terms.New([]string{"en"}), terms.New([]string{"de"})
	sharded := config.OpenSearch{Shards: 3}
	for name, c := range map[string]struct {
		taker, server opensearch.Options
		version       string // as it ends
	}{
		"as it is":      {opensearch.Options{Analyser: german}, opensearch.Options{Analyser: german}, "-de"},
		"other words":   {opensearch.Options{Analyser: english}, opensearch.Options{Analyser: german}, "-de"},
		"several parts": {opensearch.Options{Analyser: german, Config: sharded}, opensearch.Options{Analyser: german, Config: sharded}, "-de-3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			index := newIndex()
			taker := open(t, index, c.taker)
			run(t, taker)
			fill(t, taker)
			taken := take(t, snapshotsOf(taker, index))
			if want := "prod." + index + "-"; !strings.HasPrefix(taken.Name, want) || taken.State != opensearch.SnapshotSuccess || taken.Ended.Before(taken.Began) {
				t.Errorf("took %+v, want one called %s…", taken, want)
			}
			c.server.Config.URLs, c.server.Config.Index, c.server.Timeout = []string{backends.OpenSearch(t)}, index, rebuildTimeout
			server := newStore(t, c.server)
			run(t, server)
			if !await(t, func() bool { return strings.HasSuffix(strings.Join(indicesOf(t, index), " "), c.version) }) {
				t.Fatal("the server has not made its index")
			}
			first := restoreUnderTraffic(t, server, index, taken.Name)
			if err := snapshotsOf(server, index).Restore(t.Context(), taken.Name); err != nil {
				t.Errorf("a second time: %v", err)
			}
			second := server.Current(t.Context(), "t").Index
			for _, at := range []string{first, second} {
				if form := regexp.MustCompile(c.version + `-r\d{13}$`); !form.MatchString(at) {
					t.Errorf("the index in use was %s, want one like %s", at, form)
				}
			}
			if first == second {
				t.Errorf("both restores made %s", first)
			}
		})
	}
}

// restoreUnderTraffic restores, and returns the index that is in use then.
func restoreUnderTraffic(t *testing.T, server *opensearch.Store, index, name string) string {
	t.Helper()
	if err := writeText(t.Context(), server, "since", germanText); err != nil {
		t.Fatal(err)
	}
	before := server.Current(t.Context(), "t")
	meanwhile := startTraffic(t, server)
	if !await(t, func() bool { return meanwhile.written.Load() > 3 || t.Failed() }) {
		t.Fatal("nothing is written")
	}
	if err := snapshotsOf(server, index).Restore(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	meanwhile.stop()
	after := server.Current(t.Context(), "t")
	if after.Token == before.Token || after.Index == before.Index {
		t.Errorf("after the restore the state is %+v, before it was %+v: want another token and index", after, before)
	}
	if err := server.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Document(t.Context(), "t", "since"); !errors.Is(err, rag.ErrPaperNotFound) {
		t.Errorf("what was written after the snapshot is there: %v", err)
	}
	for i := range kept {
		if _, err := server.Document(t.Context(), "t", fmt.Sprintf("kept%d", i)); err != nil {
			t.Errorf("kept%d: %v", i, err)
		}
	}
	if _, err := server.Document(t.Context(), "t", "gone0"); err != nil && meanwhile.deleted > 0 {
		t.Errorf("gone0, deleted after the snapshot, is not back: %v", err)
	}
	if found, err := foundIDs(t.Context(), server, "Haus"); err != nil || len(found) < kept { // by a German stem
		t.Errorf("a search finds %d documents, %v", len(found), err)
	}
	if all := indicesOf(t, index); len(all) != 1 || all[0] != after.Index {
		t.Errorf("there are the indices %q, want %s alone", all, after.Index)
	}
	return after.Index
}

// TestRestoreOfAClusterThatLostEverything: servers have made an empty index since.
func TestRestoreOfAClusterThatLostEverything(t *testing.T) {
	t.Parallel()
	index := newIndex()
	store := open(t, index, opensearch.Options{})
	if err := store.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := writeText(t.Context(), store, "kept", germanText); err != nil {
		t.Fatal(err)
	}
	blocked := "/" + indicesOf(t, index)[0] + "/_block/write" // as a rebuild does in the end
	askOpenSearch(t, http.MethodPut, blocked, nil, nil)
	taken := take(t, snapshotsOf(store, index))
	for _, lost := range append(indicesOf(t, index), index+"-control") {
		askOpenSearch(t, http.MethodDelete, "/"+lost, nil, nil)
	}
	askOpenSearch(t, http.MethodDelete, "/_snapshot/"+index, nil, nil) // a new cluster does not know of the repository either
	server := newStore(t, opensearch.Options{Config: config.OpenSearch{URLs: []string{backends.OpenSearch(t)}, Index: index}, Timeout: rebuildTimeout})
	run(t, server)
	if err := snapshotsOf(server, index).Restore(t.Context(), taken.Name); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Document(t.Context(), "t", "kept"); err != nil {
		t.Errorf("the document of the snapshot: %v", err)
	}
	if err := writeText(t.Context(), server, "new", germanText); err != nil {
		t.Errorf("a new document: %v", err)
	}
}

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
		t.Run(name, func(t *testing.T) { c.everywhere(t) })
	}
}

// interrupted is a restore of an index that is killed at a write, or survives that its answer is lost.
type interrupted struct {
	repository string
	shards     int
	survives   bool
}

// everywhere interrupts a restore at each of its writes, some at a time.
func (c interrupted) everywhere(t *testing.T) {
	t.Helper()
	writes, err := c.restoring(t, newIndex(), 0)
	if err != nil || writes < 5 {
		t.Fatalf("a whole restore: %d writes, %v; want 5 at least", writes, err)
	}
	t.Logf("a restore has %d writes", writes)
	eachWrite(writes, func(last int) {
		index := newIndex()
		if _, err := c.restoring(t, index, last); err != nil {
			t.Errorf("write %d: %v", last, err)
			return
		}
		if err := c.oneOrTheOther(t, index); err != nil {
			t.Errorf("after write %d: %v", last, err)
		}
	})
}

// snapshots are those of an index, in a repository that all of these share.
func (c interrupted) snapshots(s *opensearch.Store, index string) *opensearch.Snapshots {
	return opensearch.NewSnapshots(s, config.Snapshots{Repository: c.repository, Location: c.repository, Keep: 2}, serviceOf(index), nil)
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
	taken, err := c.snapshots(store, index).Take(t.Context())
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
	err = c.snapshots(mortal, index).Restore(ctx, taken.Name)
	if last > 0 {
		if way.count() < last {
			return 0, fmt.Errorf("write %d never came: %w", last, err)
		}
		err = nil
	}
	return way.count(), err
}

func (c interrupted) oneOrTheOther(t *testing.T, index string) error {
	t.Helper()
	if err := send(t, http.MethodDelete, "/"+index+"-control/_doc/lease-rebuild", new(any)); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	next, err := opensearch.New(opensearch.Options{
		Config: config.OpenSearch{URLs: []string{backends.OpenSearch(t)}, Index: index, Shards: c.shards}, Timeout: rebuildTimeout,
	})
	if err != nil {
		return err
	}
	defer func() { _ = next.Close() }()
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	running.Go(func() { next.Run(ctx) })
	if !await(t, func() bool { return len(indicesOf(t, index)) == 1 }) {
		return fmt.Errorf("the indices are %q, want one", indicesOf(t, index))
	}
	if !await(t, func() bool { return writeText(ctx, next, "later", germanText) == nil }) {
		return errors.New("no write goes through")
	}
	if err := next.Refresh(ctx); err != nil {
		return err
	}
	found, err := foundIDs(ctx, next, "Häuser")
	if err != nil {
		return err
	}
	all := slices.Sorted(maps.Keys(found))
	if !slices.Equal(all, []string{"later", "new"}) && !slices.Equal(all, []string{"later", "old"}) {
		return fmt.Errorf("a search shows %q, want later and one of new and old", all)
	}
	return nil
}

// TestPruneKeepsTheNewest, and what is of others in the same repository.
func TestPruneKeepsTheNewest(t *testing.T) {
	t.Parallel()
	index := newIndex()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	store := open(t, index, opensearch.Options{Now: func() time.Time { return now }})
	if err := store.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := writeText(t.Context(), store, "kept", germanText); err != nil {
		t.Fatal(err)
	}
	if err := store.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	mine := snapshotsOf(store, index)
	others := opensearch.NewSnapshots(store, config.Snapshots{Repository: index, Location: index, Keep: 2}, serviceOf(index+"-b"), nil)
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
	older := opensearch.NewSnapshots(open(t, index+"-other", opensearch.Options{Analyser: terms.New([]string{"de"})}),
		config.Snapshots{Repository: index, Location: index, Keep: 1}, serviceOf(index), nil)
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

// restoreBeside restores while another process has the lease, and lives.
func restoreBeside(t *testing.T, store *opensearch.Store, s *opensearch.Snapshots, name string) error {
	t.Helper()
	var err error
	held, leaseErr := store.Lease(t.Context(), "rebuild", 15*time.Second, func(ctx context.Context) error {
		err = s.Restore(ctx, name)
		return nil
	})
	if !held || leaseErr != nil {
		t.Fatalf("the lease: %v, %v", held, leaseErr)
	}
	return err
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
