package localstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/blevesearch/bleve/v2"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

const (
	// chunksPrefix begins the folder of the chunks, which their layout and the version of their analyser end: chunks-2-1-en. buildingSuffix
	// marks one that is not whole yet.
	chunksPrefix = "chunks-"
	// chunksLayout rises with a change of what an index holds beside the analyser's terms.
	chunksLayout   = "2-"
	buildingSuffix = ".building"
	// recordsAtOnce is how many records are read together for a rebuild; each may have 8 MiB.
	recordsAtOnce = 16
)

// openChunks opens the chunks that the analyser made. Those of another analyser are made anew from the records, beside the
// old ones, which go when the new ones are whole: killed in between, it starts anew. Damaged ones are made anew, too.
func (s *Store) openChunks(dir string, progress func(done, total int), damaged func(error)) error {
	name := chunksPrefix + chunksLayout + s.analyser.Version()
	if dir == "" {
		var err error
		s.chunks, err = openIndex("", name, chunksMapping(), s.disk)
		return err
	}
	whole, building := filepath.Join(dir, name), filepath.Join(dir, name+buildingSuffix)
	if err := removeDamaged(whole, damaged); err != nil {
		return err
	}
	if _, err := os.Stat(whole); errors.Is(err, os.ErrNotExist) {
		if err := os.RemoveAll(building); err != nil {
			return fmt.Errorf("remove what is left of an index: %w", err)
		}
		if err := s.buildChunks(dir, name+buildingSuffix, progress); err != nil {
			return err
		}
		if err := nameIndex(building, whole); err != nil {
			return err
		}
	}
	var err error
	if s.chunks, err = openIndex(dir, name, chunksMapping(), s.disk); err != nil {
		return err
	}
	return removeOtherChunks(dir, name)
}

// removeDamaged removes chunks that are not what was written, and says so.
func removeDamaged(dir string, damaged func(error)) error {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	err := checkIndex(dir)
	if _, is := errors.AsType[*damage](err); !is {
		return err
	}
	damaged(err)
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove a damaged index: %w", err)
	}
	return nil
}

// nameIndex gives an index that is whole its name, durably.
func nameIndex(building, whole string) error {
	if err := os.Rename(building, whole); err != nil {
		return fmt.Errorf("name the new index: %w", err)
	}
	folder, err := os.Open(filepath.Dir(whole))
	if err != nil {
		return fmt.Errorf("open the data folder: %w", err)
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// removeOtherChunks removes the chunks of other analysers. "chunks" is the name that they had without a version.
func removeOtherChunks(dir, name string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("list the data folder: %w", err)
	}
	for _, entry := range entries {
		if other := entry.Name(); other != name && (other == "chunks" || strings.HasPrefix(other, chunksPrefix)) {
			if err := os.RemoveAll(filepath.Join(dir, other)); err != nil {
				return fmt.Errorf("remove an old index: %w", err)
			}
		}
	}
	return nil
}

// buildChunks makes the chunks of all documents, in an index that is closed then.
func (s *Store) buildChunks(dir, name string, progress func(done, total int)) (err error) {
	if s.chunks, err = openIndex(dir, name, chunksMapping(), s.disk); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.chunks.Close()) }()
	batch := s.newChunkBatch()
	done := 0
	for last := ""; ; {
		keys, total, err := s.documentsAfter(last)
		if err != nil {
			return fmt.Errorf("list the documents: %w", err)
		}
		for _, key := range keys {
			if err := batch.addDocument(key); err != nil {
				return fmt.Errorf("make the chunks anew: %w", err)
			}
		}
		if len(keys) == 0 {
			return batch.flush()
		}
		last = keys[len(keys)-1]
		done += len(keys)
		progress(done, total)
	}
}

// documentsAfter are the keys of the next documents in their order, and how many there are in all.
func (s *Store) documentsAfter(last string) (keys []string, total int, err error) {
	request := bleve.NewSearchRequestOptions(exactly(fieldKind, string(rag.RecordDocument)), recordsAtOnce, 0, false)
	request.SortBy([]string{"_id"})
	if last != "" {
		request.SetSearchAfter([]string{last})
	}
	answer, err := s.records.Search(request)
	if err != nil {
		return nil, 0, err
	}
	for _, match := range answer.Hits {
		keys = append(keys, match.ID)
	}
	return slices.Clip(keys), int(answer.Total), nil //nolint:gosec // a count of documents in one process
}

// addDocument writes the chunks of a document by the key of its record.
func (b *chunkBatch) addDocument(key string) error {
	tenant, id, _ := strings.Cut(key, "\x00")
	r, err := b.store.record(tenant, id)
	if err != nil || r.Document == nil {
		return err
	}
	return b.replace(tenant, r.chunked(), 0)
}
