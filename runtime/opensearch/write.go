package opensearch

import (
	"context"

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
	result rag.WriteResult
}

// settled says that there is nothing more to do: the result is known.
func (w *writing) settled() bool { return w.result.Status != "" }

func (w *writing) fail(err error) { w.result.Status, w.result.Err = rag.StatusFailed, err }

// created or updated.
func (w *writing) success() rag.WriteStatus {
	if w.before.Kind == kindDocument {
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
		if err := s.readBefore(ctx, tenant, open); err != nil {
			if attempt == 0 {
				return nil, err
			}
			failAll(open, err)
			break
		}
		s.writeOnce(ctx, tenant, unsettled(open))
	}
	failAll(unsettled(all), unavailable(errContended))
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
		if w.before.Hash != "" && w.before.Hash == w.doc.Hash {
			w.result.Status = rag.StatusUnchanged
		}
	}
	return nil
}

// writeOnce takes documents through the three steps. Those that another writer has overtaken stay unsettled.
func (s *Store) writeOnce(ctx context.Context, tenant string, open []*writing) {
	open = s.step(ctx, open, func(w *writing) []operation { return []operation{w.markOperation(tenant)} },
		func(w *writing, end ended) { w.mark = stored{seqNo: end.seqNo, primaryTerm: end.primaryTerm} })
	open = s.step(ctx, open, func(w *writing) []operation { return s.chunkOperations(tenant, w) },
		func(*writing, ended) {})
	s.step(ctx, open, func(w *writing) []operation { return []operation{w.completeOperation(tenant)} },
		func(w *writing, _ ended) { w.result.Status = w.success() })
}

// step does the operations of each document and calls then for those of which all passed; it returns these.
func (s *Store) step(ctx context.Context, open []*writing, plan func(*writing) []operation, then func(*writing, ended)) []*writing {
	var operations []operation
	counts := make([]int, len(open))
	for i, w := range open {
		planned := plan(w)
		counts[i] = len(planned)
		operations = append(operations, planned...)
	}
	ends := s.bulk(ctx, operations)
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

// check fails the document at the first error, unless it is that another writer came first.
func (w *writing) check(ends []ended) (last ended, ok bool) {
	for _, end := range ends {
		if end.err != nil {
			if !end.superseded() {
				w.fail(end.err)
			}
			return ended{}, false
		}
		last = end
	}
	return last, true
}

// markOperation says in the record that the document is being written. A document that is there stays readable.
func (w *writing) markOperation(tenant string) operation {
	w.chunks = max(w.before.Chunks, len(w.doc.Chunks))
	switch w.before.Kind {
	case kindDocument:
		return operation{action: "update", target: w.before.unchanged(w.key), source: map[string]any{
			"doc": map[string]any{"hash": "", "chunks": w.chunks},
			// A mark that changes nothing must move the sequence number all the same.
			"detect_noop": false,
		}}
	case "":
		return operation{action: "create", target: target{ID: w.key}, source: w.draft(tenant)}
	default:
		return operation{action: "index", target: w.before.unchanged(w.key), source: w.draft(tenant)}
	}
}

func (w *writing) draft(tenant string) record {
	return record{Kind: kindDraft, Tenant: tenant, Chunks: w.chunks}
}

// chunkOperations write the chunks and delete those that the document no longer has.
func (s *Store) chunkOperations(tenant string, w *writing) []operation {
	operations := make([]operation, 0, w.chunks)
	for n, chunk := range w.doc.Chunks {
		operations = append(operations, operation{
			action: "index", target: chunkTarget(tenant, w.doc.ID, n, w.mark), source: s.newChunkSource(tenant, chunk),
		})
	}
	return append(operations, deleteChunks(tenant, w.doc.ID, len(w.doc.Chunks), w.chunks, w.mark)...)
}

func (w *writing) completeOperation(tenant string) operation {
	return operation{action: "index", target: w.mark.unchanged(w.key), source: record{
		Kind: kindDocument, Tenant: tenant, Hash: w.doc.Hash, Chunks: len(w.doc.Chunks), Document: &w.doc.Document,
	}}
}

// deleteChunks deletes the chunks from position from up to, not including, position to.
func deleteChunks(tenant, id string, from, to int, mark stored) []operation {
	var operations []operation
	for n := from; n < to; n++ {
		operations = append(operations, operation{action: "delete", target: chunkTarget(tenant, id, n, mark)})
	}
	return operations
}

// chunkTarget versions a chunk by the mark of its writer: sequence numbers only grow, so the chunks of a writer whose mark
// is older are refused, even after those of a later one were deleted (OpenSearch remembers a deletion for a minute, and
// no request lives as long).
func chunkTarget(tenant, id string, n int, mark stored) target {
	return target{ID: chunkKey(tenant, id, n), Version: mark.seqNo + 1, VersionType: "external"}
}
