//go:build !race

package localstore

import (
	"path/filepath"
	"strings"
	"testing"
)

// bbolt follows a damaged offset out of its page, into memory of others: what the race detector calls a race is the damage.
//
// A flipped byte of the list of segments is noticed, or does no harm.
func TestFlippedBytesOfTheList(t *testing.T) {
	t.Parallel()
	whole := writtenFolder(t)
	chunks, err := filepath.Glob(filepath.Join(whole, chunksPrefix+"*"))
	if err != nil || len(chunks) != 1 {
		t.Fatalf("chunks are in %v, %v", chunks, err)
	}
	name := filepath.Join(filepath.Base(chunks[0]), "store", "root.bolt")
	const flips = 100
	for n := range flips {
		dir := copyOf(t, whole)
		harm(t, filepath.Join(dir, name), flipAt(n, flips))
		s, err := Open(Options{Dir: dir})
		if err != nil {
			if !strings.Contains(err.Error(), dir) {
				t.Errorf("%q does not name the folder", err)
			}
			continue
		}
		wantReadable(t, s, 0, 3)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
