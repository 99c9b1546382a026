package localstore

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// Environment of a test's binary that runs as the process to be killed: which change, in which folder, before which batch.
const (
	killChange = "LOCALSTORE_TEST_CHANGE"
	killDir    = "LOCALSTORE_TEST_DIR"
	killBatch  = "LOCALSTORE_TEST_BATCH"
)

func TestMain(m *testing.M) {
	if change := os.Getenv(killChange); change != "" {
		if err := changeUntilKilled(change); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// large is a version of the document "a" whose chunks take more than one batch.
func large(version string, chunks int) rag.ChunkedDocument {
	const size = maxBatchBytes/4 + 6 // with its terms, half a batch
	d := rag.Document{ID: "a", Title: version, Text: strings.Repeat("plate ", chunks*size/6)}
	outline := make([]rag.ChunkOutline, chunks)
	for i := range outline {
		outline[i].Span = rag.Span{Start: i * size, End: (i+1)*size - 1}
	}
	return rag.ChunkedDocument{Document: d, Chunks: rag.ChunksOf(d, outline), Hash: version}
}

var killableChanges = map[string]func(*Store) error{
	"upload":   func(s *Store) error { return writeLarge(s, large("new", 5)) },
	"update":   func(s *Store) error { return writeLarge(s, large("new", 5)) },
	"shrink":   func(s *Store) error { return writeLarge(s, large("new", 1)) },
	"deletion": func(s *Store) error { return s.Delete(context.Background(), "t", "a") },
}

func writeLarge(s *Store, d rag.ChunkedDocument) error {
	results, err := s.Write(context.Background(), "t", []rag.ChunkedDocument{d})
	if err == nil {
		err = results[0].Err
	}
	return err
}

func changeUntilKilled(change string) error {
	s, err := Open(Options{Dir: os.Getenv(killDir)})
	if err != nil {
		return err
	}
	last, err := strconv.Atoi(os.Getenv(killBatch))
	if err != nil {
		return err
	}
	batches := 0
	s.beforeApply = func() {
		if batches++; batches == last {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	return killableChanges[change](s)
}

// A process that is killed before any batch of a change leaves nothing that one round of the sweeper does not mend: a
// search shows what Document shows, in one version.
func TestKilledAtEveryBatch(t *testing.T) {
	t.Parallel()
	for change := range killableChanges {
		t.Run(change, func(t *testing.T) {
			t.Parallel()
			for batch := 1; ; batch++ {
				dir := filepath.Join(t.TempDir(), strconv.Itoa(batch))
				if change != "upload" {
					s := openStore(t, Options{Dir: dir})
					mustWrite(t, s, large("old", 3))
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
				}
				killed := runUntilKilled(t, change, dir, batch)
				wantMended(t, change, dir, killed)
				if !killed {
					if batch < 4 {
						t.Errorf("%s was killed %d times, want at least 3", change, batch-1)
					}
					return
				}
			}
		})
	}
}

// runUntilKilled says whether the change was long enough to be killed.
func runUntilKilled(t *testing.T, change, dir string, batch int) bool {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), program)
	child.Env = append(os.Environ(), killChange+"="+change, killDir+"="+dir, killBatch+"="+strconv.Itoa(batch))
	output, err := child.CombinedOutput()
	status, ok := child.ProcessState.Sys().(syscall.WaitStatus)
	if ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
		return true
	}
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	return false
}

func wantMended(t *testing.T, change, dir string, killed bool) {
	t.Helper()
	s := openStore(t, Options{Dir: dir})
	sweeper := &rag.Sweeper{
		Documents: s,
		Control:   s,
		Forgetter: noCache{},
		Feedback:  s,
		Now:       func() time.Time { return time.Now().Add(time.Hour) },
	}
	if swept, err := sweeper.Sweep(t.Context()); !swept || err != nil {
		t.Fatalf("the sweep gave %t, %v", swept, err)
	}
	if left, err := s.Unfinished(t.Context(), time.Now().Add(time.Hour)); len(left) > 0 || err != nil {
		t.Errorf("after the sweep %v is unfinished, %v", left, err)
	}
	d, err := s.Document(t.Context(), "t", "a")
	if err != nil && rag.KindOf(err) != rag.ErrPaperNotFound {
		t.Fatal(err)
	}
	wantOnly(t, s, d.Title, len(d.Chunks))
	if s.Current(t.Context(), "t").Open {
		t.Error("the token is open")
	}
	want := map[string]string{"upload": "new", "update": "new", "shrink": "new", "deletion": ""}[change]
	if !killed && d.Title != want {
		t.Errorf("after the whole %s the document is %q, want %q", change, d.Title, want)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// noCache has nothing to forget.
type noCache struct{}

func (noCache) Forget(context.Context, rag.Invalidation) map[rag.CacheKind]int { return nil }
