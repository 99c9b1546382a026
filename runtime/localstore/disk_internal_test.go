package localstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/blevesearch/bleve/v2/index/scorch"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// smallDisk mounts a file system of 6 MiB for the test, and skips it where that is not permitted.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=6m", "none", dir).CombinedOutput(); err != nil {
		t.Skipf("needs root to mount a small file system: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() })
	return dir
}

// states keeps what the store tells of its disk.
type states struct {
	mu   sync.Mutex
	told []DiskState
}

func (s *states) tell(state DiskState, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, state)
}

func (s *states) last() DiskState {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.told) == 0 {
		return DiskOK
	}
	return s.told[len(s.told)-1]
}

func (s *states) await(t *testing.T, want DiskState) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); s.last() != want; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the disk is %s, want %s", s.last(), want)
		}
	}
}

// numbered is a document whose text is found by nothing but its number and "plate".
func numbered(t *testing.T, n, words int) rag.ChunkedDocument {
	t.Helper()
	text := fmt.Sprintf("plate number%d. ", n)
	for range words { // that do not compress
		text += strconv.FormatUint(rand.Uint64(), 36) + " "
	}
	d, err := rag.ChunkAndHash(rag.Document{ID: fmt.Sprintf("d%d", n), Text: text}, rag.RetrievalSettings{ChunkWords: 200})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func put1(s *Store, d rag.ChunkedDocument) error {
	_, err := s.Write(context.Background(), "t", []rag.ChunkedDocument{d})
	return err
}

// wantReadable wants all documents of the numbers under n read and found.
func wantReadable(t *testing.T, s *Store, from, to int) {
	t.Helper()
	for n := from; n < to; n++ {
		if _, err := s.Document(t.Context(), "t", fmt.Sprintf("d%d", n)); err != nil {
			t.Errorf("document %d of %d: %v", n, to, err)
		}
		found, err := rag.NewRetriever(s).Retrieve(t.Context(), rag.Query{Tenant: "t", Text: fmt.Sprintf("number%d", n), TopK: 1})
		if err != nil || len(found.Hits) != 1 {
			t.Errorf("search for document %d of %d: %d hits, %v", n, to, len(found.Hits), err)
		}
	}
}

// TestFullDisk loads documents until there is no room: what was written stays, a deletion makes room, and so on, over a restart.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir, disk := smallDisk(t), &states{}
	s := openStore(t, Options{Dir: dir, OnDisk: disk.tell})
	written := 0
	for ; ; written++ {
		err := put1(s, numbered(t, written, 8000))
		if err == nil {
			continue
		}
		if rag.KindOf(err) != rag.ErrSearchUnavailable {
			t.Errorf("a write without room: %v, want search_unavailable", err)
		}
		break
	}
	if written < 3 {
		t.Fatalf("%d documents fit, want some", written)
	}
	if got := disk.last(); got != DiskFull {
		t.Fatalf("the disk is %s, want it full before it fails", got)
	}
	wantReadable(t, s, 0, written)
	deleted := 0
	for ; disk.last() == DiskFull; deleted++ {
		if deleted == written {
			t.Fatal("all documents are deleted, and there is still no room")
		}
		if err := s.Delete(t.Context(), "t", fmt.Sprintf("d%d", deleted)); err != nil {
			t.Fatalf("a deletion on a full disk: %v", err)
		}
		_ = put1(s, numbered(t, written, 8000))
	}
	wantReadable(t, s, deleted, written+1)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantReadable(t, openStore(t, Options{Dir: dir}), deleted, written+1)
}

// TestDiskThatFillsUnderAWrite has another program take the last of the room between the look for it and the write.
func TestDiskThatFillsUnderAWrite(t *testing.T) {
	t.Parallel()
	dir, disk := smallDisk(t), &states{}
	s := openStore(t, Options{Dir: dir, OnDisk: disk.tell})
	if err := put1(s, numbered(t, 0, 100)); err != nil {
		t.Fatal(err)
	}
	filler := filepath.Join(dir, "filler")
	var once sync.Once
	s.beforeApply = func() { once.Do(func() { _ = os.WriteFile(filler, bytes.Repeat([]byte("x"), 8<<20), 0o600) }) }
	if err := put1(s, numbered(t, 1, 4000)); rag.KindOf(err) != rag.ErrSearchUnavailable {
		t.Errorf("a write that the disk does not take: %v, want search_unavailable", err)
	}
	disk.await(t, DiskFailed)
	if _, err := s.Document(t.Context(), "t", "d0"); err != nil && rag.KindOf(err) != rag.ErrSearchUnavailable {
		t.Errorf("a read meanwhile: %v, want an answer or search_unavailable", err)
	}
	if err := put1(s, numbered(t, 2, 10)); rag.KindOf(err) != rag.ErrSearchUnavailable {
		t.Errorf("the next write: %v, want search_unavailable", err)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	disk.await(t, DiskOK)
	for n := 1; n < 3; n++ {
		if err := put1(s, numbered(t, n, 100)); err != nil {
			t.Errorf("with room again: %v", err)
		}
	}
	wantReadable(t, s, 0, 3)
}

// TestPanicOfThePersisterIsLost stands for a bug of the index: it then never writes again.
func TestPanicOfThePersisterIsLost(t *testing.T) {
	t.Parallel()
	disk := &states{}
	d := newDisk(disk.tell)
	d.failed("chunks", fmt.Errorf("no such error: %w", errors.ErrUnsupported))
	if got := disk.last(); got != DiskOK {
		t.Errorf("after an error that is not of writing: %s", got)
	}
	d.failed("chunks", scorch.NewScorchError("persister", "p", scorch.ErrAsyncPanic))
	d.persisted("records")
	d.persisted("chunks")
	if got := disk.last(); got != DiskLost {
		t.Errorf("after a panic: %s, want lost until a restart", got)
	}
	if d.refusal() == nil {
		t.Error("a write is admitted to an index that no longer writes")
	}
}

// TestDamagedFiles damages the segments and the metadata of the indices, one file at a time: an error at the start, an error
// or an answer later, and never a panic.
func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	whole := t.TempDir()
	s := openStore(t, Options{Dir: whole})
	for n := range 3 {
		if err := put1(s, numbered(t, n, 500)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, pattern := range []string{"*/store/*.zap", "*/index_meta.json"} {
		found, err := filepath.Glob(filepath.Join(whole, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 3 {
		t.Fatalf("the indices have %d files: %v", len(files), files)
	}
	for _, file := range files {
		name, err := filepath.Rel(whole, file)
		if err != nil {
			t.Fatal(err)
		}
		for damage, harm := range map[string]func([]byte) []byte{"cut": cutInHalf, "flipped": flipBytes, "empty": func([]byte) []byte { return nil }} {
			t.Run(name+"/"+damage, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				if err := os.CopyFS(dir, os.DirFS(whole)); err != nil {
					t.Fatal(err)
				}
				content, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, name), harm(content), 0o600); err != nil {
					t.Fatal(err)
				}
				useDamaged(t, dir)
			})
		}
	}
}

func cutInHalf(b []byte) []byte { return b[:len(b)/2] }

func flipBytes(b []byte) []byte {
	for i := len(b) / 3; i < len(b); i += 97 {
		b[i] ^= 0xff
	}
	return b
}

// useDamaged fails with a panic, or not at all.
func useDamaged(t *testing.T, dir string) {
	t.Helper()
	s, err := Open(Options{Dir: dir})
	if err != nil {
		if !strings.Contains(err.Error(), dir) {
			t.Errorf("%q does not name the folder", err)
		}
		return
	}
	defer func() { _ = s.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, _ = s.Count(ctx, "t")
	for n := range 3 {
		_, _ = s.Document(ctx, "t", fmt.Sprintf("d%d", n))
		_, _ = rag.NewRetriever(s).Retrieve(ctx, rag.Query{Tenant: "t", Text: fmt.Sprintf("plate number%d", n), TopK: 5})
	}
	_, _ = s.Write(ctx, "t", []rag.ChunkedDocument{numbered(t, 1, 10)})
	_ = s.Delete(ctx, "t", "d2")
}
