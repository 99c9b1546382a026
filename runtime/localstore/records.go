package localstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/blevesearch/bleve/v2/mapping"
)

const recordsName = "records"

// openRecords opens the records, or makes them in a new folder. There is no second copy of them: damaged ones stay as they
// are, for whoever has a backup or wants to save what can be read.
func (s *Store) openRecords(dir string) (err error) {
	if dir == "" {
		s.records, err = openIndex("", recordsName, recordsMapping(), s.disk)
		return err
	}
	whole := filepath.Join(dir, recordsName)
	_, err = os.Stat(whole)
	switch {
	case errors.Is(err, os.ErrNotExist):
		err = s.makeRecords(dir, whole)
	case err == nil:
		err = checkIndex(whole)
	}
	if found, is := errors.AsType[*damage](err); is {
		return fmt.Errorf("%w; it belongs to the only copy of the documents, and nothing was changed: restore the folder %s from a "+
			"backup, or remove it and load the documents again", found, dir)
	}
	if err != nil {
		return err
	}
	s.records, err = openIndex(dir, recordsName, recordsMapping(), s.disk)
	return err
}

// makeRecords makes the records under another name first: killed in between, it leaves nothing that looks damaged.
func (s *Store) makeRecords(dir, whole string) error {
	chunks, err := filepath.Glob(filepath.Join(dir, chunksPrefix+"*"))
	if err != nil {
		return err
	}
	if len(chunks) > 0 {
		return &damage{whole, errors.New("it is missing, and the passages of its documents are there")}
	}
	return s.makeIndex(dir, recordsName, recordsMapping())
}

// makeIndex makes an empty index under another name first.
func (s *Store) makeIndex(dir, name string, m mapping.IndexMapping) error {
	whole := filepath.Join(dir, name)
	building := whole + buildingSuffix
	if err := os.RemoveAll(building); err != nil {
		return fmt.Errorf("remove what is left of an index: %w", err)
	}
	made, err := openIndex(dir, name+buildingSuffix, m, s.disk)
	if err != nil {
		return err
	}
	if err := made.Close(); err != nil {
		return fmt.Errorf("close the new index: %w", err)
	}
	return nameIndex(building, whole)
}
