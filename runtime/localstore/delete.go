package localstore

import (
	"context"
	"time"

	"github.com/blevesearch/bleve/v2"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

const (
	// tombstoneFor is how long a repeated deletion succeeds.
	tombstoneFor = time.Minute
	// purgeAtOnce is how many expired tombstones a deletion takes along.
	purgeAtOnce = 100
)

// Delete sets a tombstone in place of the record, then deletes the chunks. Killed in between, it leaves a tombstone that
// says how many chunks there may be, for the repetition.
func (s *Store) Delete(ctx context.Context, tenant, id string) error {
	s.writer.Lock()
	defer s.writer.Unlock()
	before, err := s.record(tenant, id)
	switch {
	case err != nil:
		return mapError(ctx, err)
	case before.Kind == "", before.deleted() && s.now().Sub(before.DeletedAt) > tombstoneFor:
		return rag.DocumentNotFound(id)
	case before.deleted():
		return nil
	}
	if err := s.bury(tenant, id, before.Chunks); err != nil {
		return mapError(ctx, err)
	}
	return nil
}

// deleted says that the document and all of its chunks are gone.
func (r record) deleted() bool { return r.Kind == kindTombstone && r.Chunks == 0 }

func (s *Store) bury(tenant, id string, count int) error {
	tombstone := record{Kind: kindTombstone, Chunks: count, DeletedAt: s.now()}
	if err := s.putOne(tenant, id, tombstone); err != nil {
		return err
	}
	chunks := s.chunks.NewBatch()
	for n := range count {
		chunks.Delete(chunkKey(tenant, id, n))
	}
	if err := s.chunks.Batch(chunks); err != nil {
		return err
	}
	tombstone.Chunks = 0
	if err := s.putOne(tenant, id, tombstone); err != nil {
		return err
	}
	return s.purge()
}

// purge removes tombstones that have served their time, of any tenant.
func (s *Store) purge() error {
	until := float64(s.now().Add(-tombstoneFor).UnixMilli())
	expired := bleve.NewNumericRangeQuery(nil, &until)
	expired.SetField(fieldDeletedAt)
	answer, err := s.records.Search(bleve.NewSearchRequestOptions(expired, purgeAtOnce, 0, false))
	if err != nil || len(answer.Hits) == 0 {
		return err
	}
	batch := s.records.NewBatch()
	for _, match := range answer.Hits {
		batch.Delete(match.ID)
	}
	return s.records.Batch(batch)
}

func (s *Store) putOne(tenant, id string, r record) error {
	batch := s.records.NewBatch()
	if err := putRecord(batch, tenant, id, r); err != nil {
		return err
	}
	return s.records.Batch(batch)
}
