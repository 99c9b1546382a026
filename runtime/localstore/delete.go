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
	return s.exclusively(ctx, func() error {
		before, err := s.record(tenant, id)
		switch {
		case err != nil:
			return err
		case before.Kind == "", before.deleted() && s.now().Sub(before.DeletedAt) > tombstoneFor:
			return rag.DocumentNotFound(id)
		case before.deleted():
			return nil
		}
		now := s.now()
		tombstone := record{Kind: rag.RecordTombstone, Chunks: before.Chunks, MarkedAt: now.UnixMilli(), DeletedAt: now}
		if err := s.putOne(tenant, id, tombstone); err != nil {
			return err
		}
		return s.completeDeletion(tenant, id, tombstone)
	})
}

// completeDeletion deletes the chunks of a tombstone.
func (s *Store) completeDeletion(tenant, id string, tombstone record) error {
	chunks := s.newChunkBatch()
	if err := chunks.replace(tenant, rag.ChunkedDocument{Document: rag.Document{ID: id}}, tombstone.Chunks); err != nil {
		return err
	}
	if err := chunks.flush(); err != nil {
		return err
	}
	tombstone.Chunks, tombstone.MarkedAt = 0, 0
	if err := s.putOne(tenant, id, tombstone); err != nil {
		return err
	}
	return s.purge()
}

// purge removes tombstones that have served their time, of any tenant.
func (s *Store) purge() error {
	keys, err := s.recordsBefore(fieldDeletedAt, s.now().Add(-tombstoneFor), purgeAtOnce)
	if err != nil || len(keys) == 0 {
		return err
	}
	batch := s.records.NewBatch()
	for _, key := range keys {
		batch.Delete(key)
	}
	return s.apply(s.records, batch)
}

// recordsBefore are the keys of records with a moment in a field that lies before another.
func (s *Store) recordsBefore(field string, moment time.Time, most int) ([]string, error) {
	until := float64(moment.UnixMilli())
	before := bleve.NewNumericRangeQuery(nil, &until)
	before.SetField(field)
	answer, err := s.records.Search(bleve.NewSearchRequestOptions(before, most, 0, false))
	if err != nil {
		return nil, err
	}
	keys := make([]string, len(answer.Hits))
	for i, match := range answer.Hits {
		keys[i] = match.ID
	}
	return keys, nil
}

func (s *Store) putOne(tenant, id string, r record) error {
	batch := s.records.NewBatch()
	if err := putRecord(batch, tenant, id, r); err != nil {
		return err
	}
	return s.apply(s.records, batch)
}
