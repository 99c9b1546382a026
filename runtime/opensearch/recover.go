package opensearch

import (
	"context"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// unfinishedAtOnce is how many unfinished changes are listed in one call.
const unfinishedAtOnce = 100

// Unfinished lists records that carry a mark of before the moment, and those whose chunks have the terms of another version than
// the index: a server of that version wrote them, while it was being replaced. It refreshes first: the server that left one may have
// been killed just after it. What a search finds is read again, as it is now.
func (s *Store) Unfinished(ctx context.Context, before time.Time) ([]rag.Unfinished, error) {
	ctx = refusable(ctx)
	if err := s.Refresh(ctx); err != nil {
		return nil, err
	}
	answer, err := s.search(ctx, "read", map[string]any{
		"size": unfinishedAtOnce, "_source": false,
		"query": map[string]any{"bool": map[string]any{"filter": []any{map[string]any{"bool": map[string]any{"should": s.unfinishedQueries(before)}}}}},
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
		if kind := s.unfinished(r.record); kind != "" && r.MarkedAt < before.UnixMilli() {
			all = append(all, rag.Unfinished{Tenant: r.Tenant, ID: r.ID, Kind: kind, Began: time.UnixMilli(r.MarkedAt)})
		}
	}
	return all, nil
}

// unfinishedQueries find candidates. Terms are judged by servers of the version of the index alone.
func (s *Store) unfinishedQueries(before time.Time) []any {
	queries := []any{map[string]any{"range": map[string]any{"marked_at": map[string]any{"lt": before.UnixMilli()}}}}
	if s.ofThisVersion() {
		queries = append(queries, map[string]any{"bool": map[string]any{
			"filter": term("kind", rag.RecordDocument), "must_not": term("terms", s.version()),
		}})
	}
	return queries
}

// ofThisVersion says that a server of this one's version made the index in use.
func (s *Store) ofThisVersion() bool {
	s.control.mu.Lock()
	defer s.control.mu.Unlock()
	return s.control.known.Source.Analyser == s.indexVersion()
}

// unfinished is what the mark of a record stands for, or its terms; empty when there is nothing to do.
func (s *Store) unfinished(r record) rag.UnfinishedKind {
	switch {
	case r.MarkedAt == 0 && r.Kind == rag.RecordDocument && r.Terms != s.version() && s.ofThisVersion():
		return rag.UnfinishedTerms
	case r.MarkedAt == 0:
		return ""
	default:
		return r.Kind.Unfinished()
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
	if before.MarkedAt != u.Began.UnixMilli() || s.unfinished(before.record) != u.Kind {
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
	if before.Kind == rag.RecordDocument {
		whole = before.chunked()
	}
	if end := s.applyChunks(ctx, mark, whole); end.err != nil {
		return end
	}
	last := operation{action: "index", target: mark.unchanged(key)}
	switch before.Kind {
	case rag.RecordDocument:
		last.source = s.newRecord(before.Tenant, whole)
	case rag.RecordDraft:
		last.action = "delete"
	default:
		tombstone := before.record
		tombstone.Chunks, tombstone.MarkedAt = 0, 0
		last.source = tombstone
	}
	return s.bulk(ctx, one(last))[0]
}
