package opensearch

import (
	"context"
	"slices"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

const (
	// tombstoneFor is how long a repeated deletion succeeds.
	tombstoneFor = time.Minute
	// purgeAtOnce is how many expired tombstones a deletion takes along.
	purgeAtOnce = 100
)

// Delete sets a tombstone in place of the record, deletes the chunks by their ids, and refreshes. Killed in between, it
// leaves a tombstone that says how many chunks there may be, for the repetition.
func (s *Store) Delete(ctx context.Context, tenant, id string) error {
	var end ended
	for range attempts {
		on := s.pin(ctx)
		records, err := s.readRecords(on, tenant, []string{id}, false)
		if err != nil {
			return err
		}
		before := records[0]
		switch {
		case before.Kind == "", before.deleted() && s.now().Sub(time.UnixMilli(before.DeletedAt)) > tombstoneFor:
			return rag.DocumentNotFound(id)
		case before.deleted():
			return s.Refresh(ctx) // the first deletion may not have come to it
		}
		end = s.deleteOnce(on, tenant, id, before)
		if end.err == nil {
			return s.Refresh(ctx)
		}
		if !end.superseded() {
			return end.err
		}
	}
	return contended(end.err)
}

func (s *Store) deleteOnce(ctx context.Context, tenant, id string, before stored) ended {
	now := s.now().UnixMilli()
	tombstone := record{Kind: rag.RecordTombstone, Tenant: tenant, ID: id, Chunks: before.Chunks, MarkedAt: now, DeletedAt: now}
	place := recordKey(tenant, id)
	mark := s.bulk(ctx, one(operation{action: "index", target: before.unchanged(place), source: tombstone}))[0]
	if mark.err != nil {
		return mark
	}
	marked := stored{record: tombstone, seqNo: mark.seqNo, primaryTerm: mark.primaryTerm}
	if end := s.deleteChunks(ctx, marked); end.err != nil {
		return end
	}
	tombstone.Chunks, tombstone.MarkedAt = 0, 0
	last := append(s.expiredTombstones(ctx), operation{action: "index", target: marked.unchanged(place), source: tombstone})
	ends := s.bulk(ctx, slices.Values(last))
	return ends[len(ends)-1]
}

// deleteChunks deletes all chunks that there may be, and returns the first end with an error, if any.
func (s *Store) deleteChunks(ctx context.Context, marked stored) ended {
	return s.applyChunks(ctx, marked, rag.ChunkedDocument{Document: rag.Document{ID: marked.ID}})
}

// applyChunks puts the chunks of d in place of those that there may be, and returns the first end with an error, if any.
func (s *Store) applyChunks(ctx context.Context, marked stored, d rag.ChunkedDocument) ended {
	for _, end := range s.bulk(ctx, s.replaceChunks(marked.Tenant, d, marked.Chunks, marked)) {
		if end.err != nil {
			return end
		}
	}
	return ended{}
}

// expiredTombstones are the deletions of tombstones that have served their time, of any tenant. It costs one search, on
// a field that only tombstones have. What is not found now is found by a later deletion, so an error is of no
// consequence; what was written again meanwhile is left alone by its sequence number.
func (s *Store) expiredTombstones(ctx context.Context) []operation {
	answer, err := s.search(ctx, "read", map[string]any{
		"size": purgeAtOnce, "_source": false,
		"query": map[string]any{"bool": map[string]any{"filter": []any{
			term("kind", rag.RecordTombstone), term("chunks", 0),
			map[string]any{"range": map[string]any{"deleted_at": map[string]any{"lt": s.now().Add(-tombstoneFor).UnixMilli()}}},
		}}},
	}, true)
	if err != nil {
		return nil
	}
	var purge []operation
	for _, hit := range answer.Hits.Hits {
		r := stored{seqNo: hit.SeqNo, primaryTerm: hit.PrimaryTerm}
		purge = append(purge, operation{action: "delete", target: r.unchanged(hit.ID)})
	}
	return purge
}
