package opensearch_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/opensearch"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/terms"
	"github.com/ragservice/ragservice-operator/test/backends"
)

const germanText = "Die Häuser am See sind alt und die Wege sind weit."

func writeText(ctx context.Context, s *opensearch.Store, id, text string) error {
	d, err := rag.ChunkAndHash(rag.Document{ID: id, Text: text}, rag.RetrievalSettings{ChunkWords: 20})
	if err != nil {
		return err
	}
	results, err := s.Write(ctx, "t", []rag.ChunkedDocument{d})
	if err != nil {
		return err
	}
	return results[0].Err
}

// foundIDs are the documents that a query finds, or an error.
func foundIDs(ctx context.Context, s *opensearch.Store, query string) (map[string]bool, error) {
	found, err := rag.NewRetriever(s).Retrieve(ctx, rag.Query{Tenant: "t", Text: query, TopK: 200})
	ids := map[string]bool{}
	for _, hit := range found.Hits {
		ids[hit.DocumentID] = true
	}
	return ids, err
}

// TestRebuildLosesNothing has one replica search, write and delete all the time while another one, of other languages,
// rebuilds the index: nothing fails, no search misses a document, nothing that was deleted comes back.
func TestRebuildLosesNothing(t *testing.T) { //nolint:tparallel // each fills two processors
	t.Parallel()
	english, german := terms.New([]string{"en"}), terms.New([]string{"de"})
	sharded := config.OpenSearch{Shards: 3}
	for name, change := range map[string][2]opensearch.Options{
		"analyser":         {{Analyser: english}, {Analyser: german}},
		"analyser of some": {{Analyser: english, Config: sharded}, {Analyser: german, Config: sharded}},
		"more shards":      {{Analyser: german}, {Analyser: german, Config: sharded}},
		"fewer shards":     {{Analyser: german, Config: sharded}, {Analyser: german}},
	} {
		t.Run(name, func(t *testing.T) { rebuildLosesNothing(t, change[0], change[1]) })
	}
}

// How many documents stay while an index is rebuilt, and how many are deleted.
const kept, gone = 60, 20

// fill writes the documents that stay and those that are to be deleted.
func fill(t *testing.T, s *opensearch.Store) {
	t.Helper()
	for i := range kept {
		if err := writeText(t.Context(), s, fmt.Sprintf("kept%d", i), germanText); err != nil {
			t.Fatal(err)
		}
	}
	for i := range gone {
		if err := writeText(t.Context(), s, fmt.Sprintf("gone%d", i), germanText); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// traffic is what a replica does while another one rebuilds.
type traffic struct {
	written atomic.Int64
	// deleted may be read when the traffic has stopped.
	deleted int

	done atomic.Bool
	work sync.WaitGroup
}

func startTraffic(t *testing.T, s *opensearch.Store) *traffic {
	t.Helper()
	c := &traffic{}
	c.work.Go(func() {
		for ; !c.done.Load(); c.written.Add(1) {
			if err := writeText(t.Context(), s, fmt.Sprintf("new%d", c.written.Load()), germanText); err != nil {
				t.Errorf("write %d: %v", c.written.Load(), err)
				return
			}
		}
	})
	c.work.Go(func() {
		for ; c.deleted < gone && !c.done.Load(); c.deleted++ {
			if err := s.Delete(t.Context(), "t", fmt.Sprintf("gone%d", c.deleted)); err != nil {
				t.Errorf("delete %d: %v", c.deleted, err)
				return
			}
		}
	})
	c.work.Go(func() {
		for !c.done.Load() {
			found, err := foundIDs(t.Context(), s, "Häuser See")
			if err != nil {
				t.Errorf("search: %v", err)
				return
			}
			for i := range kept {
				if id := fmt.Sprintf("kept%d", i); !found[id] && len(found) < 200 {
					t.Errorf("a search misses %s", id)
					return
				}
			}
		}
	})
	return c
}

func (c *traffic) stop() {
	c.done.Store(true)
	c.work.Wait()
}

func rebuildLosesNothing(t *testing.T, older, newer opensearch.Options) {
	index := newIndex()
	old := open(t, index, older)
	run(t, old)
	fill(t, old)
	meanwhile := startTraffic(t, old)

	before := old.Current(t.Context(), "t")
	var successor *opensearch.Store
	ready := make(chan string, 1)
	newer.OnHealth = func(up bool, _ error) {
		if up {
			ready <- successor.Current(context.Background(), "t").Index
		}
	}
	successor = open(t, index, newer)
	run(t, successor)
	swapped := await(t, func() bool {
		now := successor.Current(t.Context(), "t").Index
		return now != "" && now != before.Index
	})
	atSwap := meanwhile.written.Load()
	if !await(t, func() bool { return meanwhile.written.Load() > atSwap+1 || t.Failed() }) { // the one under way may have begun before
		t.Error("nothing was written upon the new index")
	}
	meanwhile.stop()
	if !swapped {
		t.Fatal("the index was not rebuilt")
	}
	if at := <-ready; at == before.Index {
		t.Error("the successor was ready before the swap")
	}
	if after := successor.Current(t.Context(), "t"); after.Token == before.Token {
		t.Error("the token stayed")
	}
	if shards, _ := settingsOf(t, successor.Current(t.Context(), "t").Index); shards != strconv.Itoa(max(1, newer.Config.Shards)) {
		t.Errorf("the new index has %s shards", shards)
	}
	holdsAll(t, successor, meanwhile)
}

// holdsAll checks that a rebuilt index has what was written, before and meanwhile, and nothing that was deleted.
func holdsAll(t *testing.T, s *opensearch.Store, meanwhile *traffic) {
	t.Helper()
	written, deleted := int(meanwhile.written.Load()), meanwhile.deleted
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d written, %d deleted meanwhile", written, deleted)
	for i := range written {
		if _, err := s.Document(t.Context(), "t", fmt.Sprintf("new%d", i)); err != nil {
			t.Errorf("new%d: %v", i, err)
		}
	}
	for i := range deleted {
		if _, err := s.Document(t.Context(), "t", fmt.Sprintf("gone%d", i)); !errors.Is(err, rag.ErrPaperNotFound) {
			t.Errorf("gone%d came back: %v", i, err)
		}
	}
	found, err := rag.NewRetriever(s).Retrieve(t.Context(), rag.Query{Tenant: "t", Text: "Häuser", TopK: 200})
	if want := min(kept+gone-deleted+written, rag.MaxWindow); err != nil || found.Total != want {
		t.Errorf("the new index finds %d, %v; want %d", found.Total, err, want)
	}
	if ids, err := foundIDs(t.Context(), s, "Haus"); err != nil || len(ids) < kept {
		t.Errorf("by the new stems %d documents are found, %v; want %d at least", len(ids), err, kept)
	}
}

// await waits until is holds, and says whether it came to it.
func await(t *testing.T, is func() bool) bool {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if is() {
			return true
		}
	}
	return false
}

// askOpenSearch sends a request past the Store, and decodes the answer into out unless that is nil.
func askOpenSearch(t *testing.T, method, path string, body, out any) {
	t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, backends.OpenSearch(t)+path, bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= http.StatusMultipleChoices {
		t.Fatalf("%s %s: %s", method, path, response.Status)
	}
	if out == nil {
		return
	}
	if err := json.NewDecoder(response.Body).Decode(out); err != nil {
		t.Fatal(err)
	}
}

// TestRebuildKilledBeforeItsLastWrite has the alias name the new index already while the control document still names the
// old one, as a rebuild leaves it that is killed between the two: the next replica takes the new index as it is.
func TestRebuildKilledBeforeItsLastWrite(t *testing.T) {
	t.Parallel()
	index := newIndex()
	german := opensearch.Options{Analyser: terms.New([]string{"de"})}
	rebuilt := open(t, index, german) // makes the new index, and a control document that names it
	run(t, rebuilt)
	if err := writeText(t.Context(), rebuilt, "kept", germanText); err != nil {
		t.Fatal(err)
	}
	if !await(t, func() bool { return rebuilt.Current(t.Context(), "t").Index != "" }) {
		t.Fatal("no control document")
	}
	newIndex := rebuilt.Current(t.Context(), "t").Index
	oldIndex := strings.Replace(newIndex, "-de", "-en", 1)
	askOpenSearch(t, http.MethodPut, "/"+oldIndex, struct{}{}, nil)
	control := "/" + index + "-control/_doc/control"
	var found struct {
		Source map[string]any `json:"_source"`
	}
	askOpenSearch(t, http.MethodGet, control, nil, &found)
	found.Source["index"], found.Source["analyser"] = oldIndex, strings.Replace(found.Source["analyser"].(string), "-de", "-en", 1)
	askOpenSearch(t, http.MethodPut, control, found.Source, nil)

	successor := open(t, index, german)
	run(t, successor)
	if !await(t, func() bool { return successor.Current(t.Context(), "t").Index == newIndex }) {
		t.Fatalf("the control document does not name %s", newIndex)
	}
	if _, err := successor.Document(t.Context(), "t", "kept"); err != nil {
		t.Errorf("what the new index held is lost: %v", err)
	}
}

// The replica that rebuilds tells of its progress, up to the last record.
func TestRebuildTellsOfItsProgress(t *testing.T) {
	t.Parallel()
	index := newIndex()
	old := open(t, index, opensearch.Options{Analyser: terms.New([]string{"en"})})
	run(t, old)
	const documents = 20
	for i := range documents {
		if err := writeText(t.Context(), old, fmt.Sprintf("d%d", i), germanText); err != nil {
			t.Fatal(err)
		}
	}
	if err := old.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	type progress struct{ done, total int }
	told := make(chan progress, documents)
	run(t, open(t, index, opensearch.Options{
		Analyser:  terms.New([]string{"de"}),
		OnRebuild: func(done, total int) { told <- progress{done, total} },
	}))
	for last := 0; last < documents; {
		var p progress
		select {
		case p = <-told:
		case <-time.After(time.Minute):
			t.Fatalf("told of %d of %d", last, documents)
		}
		if p.done <= last || p.total != documents {
			t.Fatalf("told of %+v after %d, want more of %d", p, last, documents)
		}
		last = p.done
	}
}

// TestWhatAnOlderServerWritesIsFoundToo: while it is being replaced it writes terms of its own into the new index.
func TestWhatAnOlderServerWritesIsFoundToo(t *testing.T) {
	t.Parallel()
	index := newIndex()
	newer := open(t, index, opensearch.Options{Analyser: terms.New([]string{"de"})})
	run(t, newer)
	older := open(t, index, opensearch.Options{Analyser: terms.New([]string{"en"})})
	if !await(t, func() bool { return newer.Current(t.Context(), "t").Index != "" }) {
		t.Fatal("no control document")
	}
	if err := writeText(t.Context(), older, "a", germanText); err != nil {
		t.Fatal(err)
	}
	before, err := newer.Document(t.Context(), "t", "a")
	if err != nil {
		t.Fatal(err)
	}
	found := func() bool {
		t.Helper()
		ids, err := foundIDs(t.Context(), newer, "Haus") // of which the text has the plural
		if err != nil {
			t.Fatal(err)
		}
		return ids["a"]
	}
	unfinished := func(s *opensearch.Store) []rag.Unfinished {
		t.Helper()
		all, err := s.Unfinished(t.Context(), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if left := unfinished(older); len(left) > 0 || found() {
		t.Fatalf("nothing is tested: found %t, the older server would recover %v", found(), left)
	}
	want := []rag.Unfinished{{Tenant: "t", ID: "a", Kind: rag.UnfinishedTerms, Began: time.UnixMilli(0)}}
	left := unfinished(newer)
	if diff := cmp.Diff(want, left); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	if err := newer.Recover(t.Context(), left[0]); err != nil {
		t.Fatal(err)
	}
	if left := unfinished(newer); len(left) > 0 {
		t.Errorf("there is still %v", left)
	}
	if !found() {
		t.Error("it is not found by the terms of the index")
	}
	after, err := newer.Document(t.Context(), "t", "a")
	if diff := cmp.Diff(before, after); err != nil || diff != "" {
		t.Errorf("the document changed: %v\n%s", err, diff)
	}
}
