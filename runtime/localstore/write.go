package localstore

import (
	"context"
	"slices"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// Write stores a batch as rag.DocumentStore has it, in three batches of the indices.
func (s *Store) Write(ctx context.Context, tenant string, docs []rag.ChunkedDocument) ([]rag.WriteResult, error) {
	s.writer.Lock()
	defer s.writer.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w := writing{store: s, tenant: tenant}
	for _, d := range docs {
		if err := w.plan(d); err != nil {
			return nil, mapError(ctx, err)
		}
	}
	for _, step := range []func() error{w.mark, w.replaceChunks, w.complete} {
		if err := step(); err != nil {
			return nil, mapError(ctx, err)
		}
	}
	return w.results, nil
}

// writing is a batch of documents on its way into the indices.
type writing struct {
	store   *Store
	tenant  string
	results []rag.WriteResult
	// changed are the documents to write, the last one of each id, with the bound of the chunks there may be.
	changed []replacement
}

type replacement struct {
	rag.ChunkedDocument
	before record
	chunks int
}

// plan decides what becomes of a document. A later one of the same id in the batch follows on the earlier one.
func (w *writing) plan(d rag.ChunkedDocument) error {
	before, err := w.before(d.ID)
	if err != nil {
		return err
	}
	status := rag.StatusCreated
	switch {
	case before.Hash != "" && before.Hash == d.Hash:
		status = rag.StatusUnchanged
	case before.Kind == kindDocument:
		status = rag.StatusUpdated
	}
	w.results = append(w.results, rag.WriteResult{ID: d.ID, Status: status})
	if status != rag.StatusUnchanged {
		w.changed = append(w.changed, replacement{ChunkedDocument: d, before: before, chunks: max(before.Chunks, len(d.Chunks))})
	}
	return nil
}

func (w *writing) before(id string) (record, error) {
	for _, c := range slices.Backward(w.changed) {
		if c.ID == id {
			return record{Kind: kindDocument, Hash: c.Hash, Chunks: c.chunks, Document: &c.Document}, nil
		}
	}
	return w.store.record(w.tenant, id)
}

// mark says in the records that the documents are being written. Those that are there stay readable.
func (w *writing) mark() error {
	batch := w.store.records.NewBatch()
	for _, c := range w.changed {
		marked := record{Kind: kindDraft, Chunks: c.chunks}
		if c.before.Kind == kindDocument {
			marked.Kind, marked.Document = kindDocument, c.before.Document
		}
		if err := putRecord(batch, w.tenant, c.ID, marked); err != nil {
			return err
		}
	}
	return w.store.records.Batch(batch)
}

// replaceChunks writes the chunks and deletes those that the documents no longer have.
func (w *writing) replaceChunks() error {
	batch := w.store.chunks.NewBatch()
	for _, c := range w.changed {
		for n, chunk := range c.Chunks {
			if err := w.store.putChunk(batch, w.tenant, c.ID, n, chunk); err != nil {
				return err
			}
		}
		for n := len(c.Chunks); n < c.chunks; n++ {
			batch.Delete(chunkKey(w.tenant, c.ID, n))
		}
	}
	return w.store.chunks.Batch(batch)
}

// complete gives the records their documents and hashes.
func (w *writing) complete() error {
	batch := w.store.records.NewBatch()
	for _, c := range w.changed {
		complete := record{Kind: kindDocument, Hash: c.Hash, Chunks: len(c.Chunks), Document: &c.Document}
		if err := putRecord(batch, w.tenant, c.ID, complete); err != nil {
			return err
		}
	}
	return w.store.records.Batch(batch)
}
