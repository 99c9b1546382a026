package opensearch

import (
	"context"
	"iter"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// attempts is how often a document is written when other writers of the same document come first.
const attempts = 3

// writing is a document on its way into the index.
type writing struct {
	doc    rag.ChunkedDocument
	key    string
	before stored
	// mark is the record's place in the order of changes since this writer marked it.
	mark stored
	// chunks bounds the positions of the chunks that may be in the index from the mark on.
	chunks int
	// superseded is the last error with which the writer had to start over.
	superseded error
	result     rag.WriteResult
}

// settled says that there is nothing more to do: the result is known.
func (w *writing) settled() bool { return w.result.Status != "" }

func (w *writing) fail(err error) { w.result.Status, w.result.Err = rag.StatusFailed, err }

// created or updated.
func (w *writing) success() rag.WriteStatus {
	if w.before.Kind == rag.RecordDocument {
		return rag.StatusUpdated
	}
	return rag.StatusCreated
}

// Write stores a batch as rag.DocumentStore has it. When another writer of the same document comes between, the document
// is written again, after it.
func (s *Store) Write(ctx context.Context, tenant string, docs []rag.ChunkedDocument) ([]rag.WriteResult, error) {
	all := make([]*writing, len(docs))
	for i, d := range docs {
		all[i] = &writing{doc: d, key: recordKey(tenant, d.ID), result: rag.WriteResult{ID: d.ID}}
	}
	for attempt := range attempts {
		open := unsettled(all)
		if len(open) == 0 {
			break
		}
		ctx := s.pin(ctx)
		if err := s.readBefore(ctx, tenant, open); err != nil {
			if attempt == 0 {
				return nil, err
			}
			failAll(open, err)
			break
		}
		s.writeOnce(ctx, tenant, unsettled(open))
	}
	for _, w := range unsettled(all) {
		w.fail(contended(w.superseded))
	}
	results := make([]rag.WriteResult, len(all))
	for i, w := range all {
		results[i] = w.result
	}
	return results, nil
}

func unsettled(all []*writing) []*writing {
	var open []*writing
	for _, w := range all {
		if !w.settled() {
			open = append(open, w)
		}
	}
	return open
}

func failAll(open []*writing, err error) {
	for _, w := range open {
		w.fail(err)
	}
}

// readBefore reads what is there, and settles the documents that are there already.
func (s *Store) readBefore(ctx context.Context, tenant string, open []*writing) error {
	ids := make([]string, len(open))
	for i, w := range open {
		ids[i] = w.doc.ID
	}
	records, err := s.readRecords(ctx, tenant, ids, false)
	if err != nil {
		return err
	}
	for i, w := range open {
		w.before = records[i]
		if w.before.Kind == rag.RecordDocument && w.before.MarkedAt == 0 && w.before.Hash == w.doc.Hash {
			w.result.Status = rag.StatusUnchanged
		}
	}
	return nil
}

// writeOnce takes documents through the three steps. Those that another writer has overtaken stay unsettled.
func (s *Store) writeOnce(ctx context.Context, tenant string, open []*writing) {
	marked := s.now().UnixMilli()
	open = s.step(ctx, open, func(w *writing) iter.Seq[operation] { return one(w.markOperation(tenant, marked)) },
		func(w *writing, end ended) { w.mark = stored{seqNo: end.seqNo, primaryTerm: end.primaryTerm} })
	open = s.step(ctx, open, func(w *writing) iter.Seq[operation] { return s.replaceChunks(tenant, w.doc, w.chunks, w.mark) },
		func(*writing, ended) {})
	s.step(ctx, open, func(w *writing) iter.Seq[operation] { return one(s.completeOperation(tenant, w)) },
		func(w *writing, _ ended) { w.result.Status = w.success() })
}

// step does the operations of each document and calls then for those of which all passed; it returns these.
func (s *Store) step(ctx context.Context, open []*writing, plan func(*writing) iter.Seq[operation], then func(*writing, ended)) []*writing {
	counts := make([]int, len(open))
	ends := s.bulk(ctx, func(yield func(operation) bool) {
		for i, w := range open {
			for op := range plan(w) {
				counts[i]++
				if !yield(op) {
					return
				}
			}
		}
	})
	var passed []*writing
	for i, w := range open {
		last, ok := w.check(ends[:counts[i]])
		if ok {
			then(w, last)
			passed = append(passed, w)
		}
		ends = ends[counts[i]:]
	}
	return passed
}

// one is a sequence of one operation.
func one(op operation) iter.Seq[operation] {
	return func(yield func(operation) bool) { yield(op) }
}

// check fails the document at the first error, unless it is that another writer came first.
func (w *writing) check(ends []ended) (last ended, ok bool) {
	for _, end := range ends {
		if end.err != nil {
			if end.superseded() {
				w.superseded = end.err
			} else {
				w.fail(end.err)
			}
			return ended{}, false
		}
		last = end
	}
	return last, true
}

// markOperation says in the record that the document is being written. A document that is there stays readable, with its
// chunks: both are in the record.
func (w *writing) markOperation(tenant string, at int64) operation {
	w.chunks = max(w.before.Chunks, len(w.doc.Chunks))
	draft := record{Kind: rag.RecordDraft, Tenant: tenant, ID: w.doc.ID, Chunks: w.chunks, MarkedAt: at}
	switch w.before.Kind {
	case rag.RecordDocument:
		return markAgain(w.before.unchanged(w.key), w.chunks, at)
	case "":
		return operation{action: "create", target: target{ID: w.key}, source: draft}
	default:
		return operation{action: "index", target: w.before.unchanged(w.key), source: draft}
	}
}

// markAgain marks a record and leaves the rest of it as it is. A mark that changes nothing must move the sequence number
// all the same.
func markAgain(unchanged target, chunks int, at int64) operation {
	return operation{action: "update", target: unchanged, source: map[string]any{
		"doc": map[string]any{"chunks": chunks, "marked_at": at}, "detect_noop": false,
	}}
}

func (s *Store) completeOperation(tenant string, w *writing) operation {
	return operation{action: "index", target: w.mark.unchanged(w.key), source: s.newRecord(tenant, w.doc)}
}

// replaceChunks writes the chunks of a document and deletes those from there up to, not including, position bound.
func (s *Store) replaceChunks(tenant string, d rag.ChunkedDocument, bound int, mark stored) iter.Seq[operation] {
	return func(yield func(operation) bool) {
		facets := d.Facets()
		for n, chunk := range d.Chunks {
			source := chunkSource{Kind: kindChunk, Tenant: tenant, Facets: facets, Search: rag.NewSearchFields(s.analyser, chunk), Chunk: chunk}
			if !yield(operation{action: "index", target: chunkTarget(tenant, d.ID, n, mark), source: source}) {
				return
			}
		}
		for n := len(d.Chunks); n < bound; n++ {
			if !yield(operation{action: "delete", target: chunkTarget(tenant, d.ID, n, mark)}) {
				return
			}
		}
	}
}

// chunkTarget versions a chunk by the mark of its writer: sequence numbers only grow, so the chunks of a writer whose mark
// is older are refused, even after those of a later one were deleted (OpenSearch remembers a deletion for a minute, and
// no request lives as long).
func chunkTarget(tenant, id string, n int, mark stored) target {
	return target{ID: chunkKey(tenant, id, n), Version: mark.seqNo + 1, VersionType: "external"}
}
