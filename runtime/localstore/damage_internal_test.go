package localstore

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// harms are kinds of damage of a file.
var harms = map[string]func(t *testing.T, file string){
	"cut to nothing": func(t *testing.T, file string) { t.Helper(); harm(t, file, func([]byte) []byte { return nil }) },
	"cut to a tenth": func(t *testing.T, file string) {
		t.Helper()
		harm(t, file, func(b []byte) []byte { return b[:len(b)/10] })
	},
	"zeroed": func(t *testing.T, file string) {
		t.Helper()
		harm(t, file, func(b []byte) []byte { return make([]byte, len(b)) })
	},
	"deleted": func(t *testing.T, file string) {
		t.Helper()
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	},
	"first byte flipped":  func(t *testing.T, file string) { t.Helper(); harm(t, file, flipAt(0, 1)) },
	"middle byte flipped": func(t *testing.T, file string) { t.Helper(); harm(t, file, flipAt(1, 2)) },
	"late byte flipped":   func(t *testing.T, file string) { t.Helper(); harm(t, file, flipAt(9, 10)) },
}

func harm(t *testing.T, file string, change func([]byte) []byte) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, change(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// flipAt flips the byte at a fraction of the file.
func flipAt(part, of int) func([]byte) []byte {
	return func(b []byte) []byte {
		b[len(b)*part/of] ^= 0xff
		return b
	}
}

// checkedFiles are the files of an index, without the segments that the newest state no longer has.
func checkedFiles(t *testing.T, dir, index string) []string {
	t.Helper()
	list := filepath.Join(index, "store", "root.bolt")
	segments, err := listSegments(filepath.Join(dir, list))
	if err != nil || len(segments) == 0 {
		t.Fatalf("segments are %v, %v", segments, err)
	}
	files := []string{list, filepath.Join(index, "index_meta.json")}
	for _, s := range segments {
		files = append(files, filepath.Join(index, "store", s))
	}
	return files
}

// noted says that the damage cannot stay unseen. root.bolt has no checksums: a single byte of it may flip in free room.
func noted(name, how string) bool {
	return strings.HasSuffix(name, ".zap") || !strings.HasSuffix(how, "flipped")
}

// writtenFolder is a folder with three documents.
func writtenFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s := openStore(t, Options{Dir: dir})
	for n := range 3 {
		if err := put1(s, numbered(t, n, 500)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func copyOf(t *testing.T, dir string) string {
	t.Helper()
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return copied
}

// Damaged chunks are made anew from the records, and told of.
func TestDamagedChunksAreMadeAnew(t *testing.T) {
	t.Parallel()
	whole := writtenFolder(t)
	chunks, err := filepath.Glob(filepath.Join(whole, chunksPrefix+"*"))
	if err != nil || len(chunks) != 1 {
		t.Fatalf("chunks are in %v, %v", chunks, err)
	}
	for _, name := range checkedFiles(t, whole, filepath.Base(chunks[0])) {
		for how, do := range harms {
			if !noted(name, how) {
				continue
			}
			t.Run(name+"/"+how, func(t *testing.T) {
				t.Parallel()
				dir := copyOf(t, whole)
				do(t, filepath.Join(dir, name))
				var told error
				s := openStore(t, Options{Dir: dir, OnDamage: func(why error) { told = why }})
				if told == nil || !strings.Contains(told.Error(), filepath.Join(dir, name)) {
					t.Errorf("told of %v, want the file", told)
				}
				wantReadable(t, s, 0, 3)
			})
		}
	}
}

// Damaged records are named at the start, and stay as they are.
func TestDamagedRecordsAreLeftAlone(t *testing.T) {
	t.Parallel()
	whole := writtenFolder(t)
	for _, name := range checkedFiles(t, whole, recordsName) {
		for how, do := range harms {
			if !noted(name, how) {
				continue
			}
			t.Run(name+"/"+how, func(t *testing.T) {
				t.Parallel()
				dir := copyOf(t, whole)
				do(t, filepath.Join(dir, name))
				before := contents(t, dir)
				s, err := Open(Options{Dir: dir})
				if err == nil {
					_ = s.Close()
					t.Fatal("it was opened")
				}
				if !strings.Contains(err.Error(), filepath.Join(dir, name)) || !strings.Contains(err.Error(), "backup") {
					t.Errorf("%q does not name the file and what to do", err)
				}
				for file, content := range contents(t, dir) {
					if before[file] != content {
						t.Errorf("%s was changed", file)
					}
					delete(before, file)
				}
				if len(before) > 0 {
					t.Errorf("%d files were removed", len(before))
				}
			})
		}
	}
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		all[path] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Records that are gone while their passages are there do not make a new, empty store.
func TestMissingRecordsAreNotMadeAnew(t *testing.T) {
	t.Parallel()
	dir := writtenFolder(t)
	if err := os.RemoveAll(filepath.Join(dir, recordsName)); err != nil {
		t.Fatal(err)
	}
	if s, err := Open(Options{Dir: dir}); err == nil {
		_ = s.Close()
		t.Error("it was opened")
	}
}

// A server that was killed while it made a new folder starts anew.
func TestKilledWhileTheRecordsWereMade(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, recordsName+buildingSuffix, "store"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, Options{Dir: dir})
	mustWrite(t, s, versioned(t, "x", 1))
	if _, err := s.Document(t.Context(), "t", "a"); err != nil {
		t.Error(err)
	}
}

// A segment that is cut short under a running server fails the reads of its index, and is told of.
func TestDamageIsNoticedWhileItRuns(t *testing.T) {
	t.Parallel()
	whole := writtenFolder(t)
	chunks, err := filepath.Glob(filepath.Join(whole, chunksPrefix+"*"))
	if err != nil || len(chunks) != 1 {
		t.Fatalf("chunks are in %v, %v", chunks, err)
	}
	for _, index := range []string{recordsName, filepath.Base(chunks[0])} {
		t.Run(index, func(t *testing.T) {
			t.Parallel()
			dir, disk := copyOf(t, whole), &states{}
			s := openStore(t, Options{Dir: dir, OnDisk: disk.tell})
			files, err := filepath.Glob(filepath.Join(dir, index, "store", "*.zap"))
			if err != nil || len(files) == 0 {
				t.Fatalf("segments are %v, %v", files, err)
			}
			for _, file := range files {
				if err := os.Truncate(file, 0); err != nil {
					t.Fatal(err)
				}
			}
			for n := range 3 {
				if index == recordsName {
					_, err = s.Document(t.Context(), "t", fmt.Sprintf("d%d", n))
				} else {
					_, err = rag.NewRetriever(s).Retrieve(t.Context(), rag.Query{Tenant: "t", Text: fmt.Sprintf("number%d", n), TopK: 1})
				}
				if rag.KindOf(err) != rag.ErrSearchUnavailable {
					t.Errorf("a read gave %v, want search_unavailable", err)
				}
			}
			if err := put1(s, numbered(t, 4, 10)); rag.KindOf(err) != rag.ErrSearchUnavailable {
				t.Errorf("a write gave %v, want search_unavailable", err)
			}
			if got := disk.last(); got != DiskDamaged { // a merge may have been lost before
				t.Errorf("the disk is %s, want it damaged", got)
			}
		})
	}
}
