package opensearch_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/opensearch"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/terms"
	"github.com/ragservice/ragservice-operator/test/backends"
)

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
	store := openWithDocument(t, index, opensearch.Options{})
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

// TestRestoreMovesNobodyToHalfAnIndex: when the alias moves, nobody writes to the index of before, and what was copied can be found. At once
// the control document names the new one, which changes every token.
func TestRestoreMovesNobodyToHalfAnIndex(t *testing.T) {
	t.Parallel()
	index := newIndex()
	taker := openWithDocument(t, index, opensearch.Options{Config: config.OpenSearch{Shards: 2}})
	taken := take(t, snapshotsOf(taker, index))
	before := inUse(t, index)
	askOpenSearch(t, http.MethodPut, "/_index_template/"+index, map[string]any{ // a second later OpenSearch would refresh by itself
		"index_patterns": []string{index + "-v*"}, "template": map[string]any{"settings": map[string]any{"index.refresh_interval": "-1"}},
	}, nil)
	defer askOpenSearch(t, http.MethodDelete, "/_index_template/"+index, nil, nil)
	moved := make(chan []string, 1)
	way := beforeEach(t, func(r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/_aliases") {
			select {
			case moved <- halfMade(t, index, before):
			default: // only the first one tells
			}
		}
	})
	restorer := newStore(t, opensearch.Options{ // it waits for twice its timeout when the alias has moved: longer than this test
		Config: config.OpenSearch{URLs: []string{way.URL}, Index: index, Shards: 2}, Timeout: 3 * time.Minute,
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- snapshotsOf(restorer, index).Restore(ctx, taken.Name) }()
	select {
	case err := <-ended:
		t.Fatalf("it ended before the alias moved: %v", err)
	case wrong := <-moved:
		for _, w := range wrong {
			t.Error(w)
		}
	}
	if !await(t, func() bool { return inUse(t, index) != before }) {
		t.Errorf("the control document names %s for two minutes", before)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("a restore that has done all but delete the old index ends with %v", err)
	}
}

// beforeEach is a way to OpenSearch by which a test looks when a request comes.
func beforeEach(t *testing.T, look func(*http.Request)) *httptest.Server {
	t.Helper()
	target, err := url.Parse(backends.OpenSearch(t))
	if err != nil {
		t.Fatal(err)
	}
	way := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		look(r)
		way.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server
}

// halfMade is what is wrong with the indices of a service when its alias is to move from one of them.
func halfMade(t *testing.T, index, from string) (wrong []string) {
	t.Helper()
	var settings map[string]struct{ Settings map[string]string }
	if err := send(t, http.MethodGet, "/"+from+"/_settings?flat_settings=true", &settings); err != nil || settings[from].Settings["index.blocks.write"] != "true" {
		wrong = append(wrong, fmt.Sprintf("%s takes writes: %v", from, err))
	}
	for _, name := range indicesOf(t, index) {
		var found, all struct{ Count int }
		err := errors.Join(
			send(t, http.MethodGet, "/"+name+"/_count", &found),
			send(t, http.MethodPost, "/"+name+"/_refresh", new(any)),
			send(t, http.MethodGet, "/"+name+"/_count", &all),
		)
		if err != nil || found.Count != all.Count || all.Count == 0 {
			wrong = append(wrong, fmt.Sprintf("in %s %d of %d entries can be found: %v", name, found.Count, all.Count, err))
		}
	}
	return wrong
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

// inUse is the index that the control document names.
func inUse(t *testing.T, index string) string {
	t.Helper()
	var control struct {
		Source rag.ControlDocument `json:"_source"`
	}
	if err := send(t, http.MethodGet, "/"+index+"-control/_doc/control", &control); err != nil {
		return err.Error()
	}
	return control.Source.Index
}
