package opensearch

import (
	"context"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// unfinishedAtOnce is how many unfinished changes are listed in one call.
const unfinishedAtOnce = 100

// Unfinished lists records that carry a mark of before the moment. It refreshes first: the server that left one may have
// been killed just after it. What a search finds is read again, as it is now.
func (s *Store) Unfinished(ctx context.Context, before time.Time) ([]rag.Unfinished, error) {
	ctx = refusable(ctx)
	if err := s.Refresh(ctx); err != nil {
		return nil, err
	}
	answer, err := s.search(ctx, "read", map[string]any{
		"size": unfinishedAtOnce, "_source": false,
		"query": map[string]any{"bool": map[string]any{"filter": []any{
			map[string]any{"range": map[string]any{"marked_at": map[string]any{"lt": before.UnixMilli()}}},
		}}},
	}, false)
	if err != nil || len(answer.Hits.Hits) == 0 {
		return nil, err
	}
	keys := make([]string, len(answer.Hits.Hits))
	for i, hit := range answer.Hits.Hits {
		keys[i] = hit.ID
	}
	records, err := s.readKeys(ctx, keys, false)
	if err != nil {
		return nil, err
	}
	var all []rag.Unfinished
	for _, r := range records {
		if r.MarkedAt != 0 && r.MarkedAt < before.UnixMilli() {
			all = append(all, rag.Unfinished{Tenant: r.Tenant, ID: r.ID, Kind: r.unfinished(), Began: time.UnixMilli(r.MarkedAt)})
		}
	}
	return all, nil
}

// unfinished is what the mark of a record stands for.
func (r record) unfinished() rag.UnfinishedKind {
	switch r.Kind {
	case kindDocument:
		return rag.UnfinishedUpdate
	case kindDraft:
		return rag.UnfinishedCreation
	default:
		return rag.UnfinishedDeletion
	}
}

// Recover ends what a record says has begun. It marks the record once more, so that OpenSearch refuses the chunks of the
// writer that left it, should that still live; the time of the mark stays, so that a recovery that is killed is found at
// once.
func (s *Store) Recover(ctx context.Context, u rag.Unfinished) error {
	ctx = s.pin(ctx)
	records, err := s.readRecords(ctx, u.Tenant, []string{u.ID}, true)
	if err != nil {
		return err
	}
	before := records[0]
	if before.MarkedAt != u.Began.UnixMilli() || before.unfinished() != u.Kind {
		return nil
	}
	if end := s.recoverRecord(ctx, before); end.err != nil && !end.superseded() {
		return end.err
	}
	return nil
}

func (s *Store) recoverRecord(ctx context.Context, before stored) ended {
	key := recordKey(before.Tenant, before.ID)
	marked := s.bulk(ctx, one(markAgain(before.unchanged(key), before.Chunks, before.MarkedAt)))[0]
	if marked.err != nil {
		return marked
	}
	mark := stored{record: before.record, seqNo: marked.seqNo, primaryTerm: marked.primaryTerm}
	whole := rag.ChunkedDocument{Document: rag.Document{ID: before.ID}} // without chunks
	if before.Kind == kindDocument {
		whole = before.chunked()
	}
	if end := s.applyChunks(ctx, mark, whole); end.err != nil {
		return end
	}
	last := operation{action: "index", target: mark.unchanged(key)}
	switch before.Kind {
	case kindDocument:
		last.source = newRecord(before.Tenant, whole)
	case kindDraft:
		last.action = "delete"
	default:
		tombstone := before.record
		tombstone.Chunks, tombstone.MarkedAt = 0, 0
		last.source = tombstone
	}
	return s.bulk(ctx, one(last))[0]
}
