package localstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// folderFault is the name of the fault of a data folder that takes no files.
const folderFault = "folder"

// checkWritable refuses a change that the data folder does not take, because it is read-only, say. bleve must not be the
// first to find that: it closes the entries that it could not write, and reads of their index fail until it has written them.
// A folder that was refused is tried again until it takes files.
func (s *Store) checkWritable() error {
	if s.dir == "" {
		return nil
	}
	err := probe(s.dir)
	if err == nil {
		return nil
	}
	waiting := false
	s.disk.change(err, func() {
		_, waiting = s.disk.fault[folderFault]
		s.disk.fault[folderFault] = err
	})
	if !waiting {
		go s.awaitWritable()
	}
	return err
}

func (s *Store) awaitWritable() {
	tick := time.NewTicker(persistPause)
	defer tick.Stop()
	for {
		select {
		case <-s.done:
			return
		case <-tick.C:
			if probe(s.dir) == nil {
				s.disk.persisted(folderFault)
				return
			}
		}
	}
}

// probe makes a file and removes it. A full disk is no error: deletions are tried on it.
func probe(dir string) error {
	file, err := os.OpenFile(filepath.Join(dir, "probe"), os.O_CREATE|os.O_WRONLY, 0o600)
	if errors.Is(err, syscall.ENOSPC) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the data folder takes no files: %w", err)
	}
	err = os.Remove(file.Name())
	if errors.Is(err, os.ErrNotExist) { // awaitWritable removed it
		err = nil
	}
	return errors.Join(file.Close(), err)
}
