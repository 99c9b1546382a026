package localstore

import (
	"context"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// unfinishedAtOnce is how many unfinished changes are listed in one call.
const unfinishedAtOnce = 100

// Unfinished lists records that carry a mark of before the moment.
func (s *Store) Unfinished(ctx context.Context, before time.Time) ([]rag.Unfinished, error) {
	keys, err := s.recordsBefore(fieldMarkedAt, before, unfinishedAtOnce)
	if err != nil {
		return nil, mapError(ctx, err)
	}
	var all []rag.Unfinished
	for _, key := range keys {
		tenant, id := tenantAndID(key)
		r, err := s.record(tenant, id)
		if err != nil {
			return nil, mapError(ctx, err)
		}
		if r.MarkedAt != 0 { // else it has ended since
			all = append(all, rag.Unfinished{Tenant: tenant, ID: id, Kind: r.Kind.Unfinished(), Began: time.UnixMilli(r.MarkedAt)})
		}
	}
	return all, nil
}

// Recover ends what a record says has begun. No writer is at work on it: it would hold the lock.
func (s *Store) Recover(ctx context.Context, u rag.Unfinished) error {
	return s.exclusively(ctx, func() error {
		r, err := s.record(u.Tenant, u.ID)
		if err != nil || r.MarkedAt != u.Began.UnixMilli() || r.Kind.Unfinished() != u.Kind {
			return err
		}
		if u.Kind == rag.UnfinishedDeletion {
			return s.completeDeletion(u.Tenant, u.ID, r)
		}
		whole := rag.ChunkedDocument{Document: rag.Document{ID: u.ID}}
		if u.Kind == rag.UnfinishedUpdate {
			whole = r.chunked()
		}
		chunks := s.newChunkBatch()
		if err := chunks.replace(u.Tenant, whole, r.Chunks); err != nil {
			return err
		}
		if err := chunks.flush(); err != nil {
			return err
		}
		if u.Kind == rag.UnfinishedUpdate {
			return s.putOne(u.Tenant, u.ID, newRecord(whole))
		}
		batch := s.records.NewBatch()
		batch.Delete(recordKey(u.Tenant, u.ID))
		return s.apply(s.records, batch)
	})
}
