package localstore

import (
	"context"
	"slices"

	"github.com/blevesearch/bleve/v2"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// maxBatchBytes is where a batch of chunks is cut, in bytes of text and terms: of each as many in English, and in Chinese,
// whose words are pairs of characters, four times as many of terms. The index takes some fifteen times as much in memory
// while it works on a batch.
const maxBatchBytes = 512 << 10

// Write stores a batch as rag.DocumentStore has it: it marks the records, replaces the chunks, and completes the records.
func (s *Store) Write(ctx context.Context, tenant string, docs []rag.ChunkedDocument) ([]rag.WriteResult, error) {
	w := writing{store: s, tenant: tenant}
	err := s.exclusively(ctx, func() error {
		bytes := 0
		for _, d := range docs {
			bytes += len(d.Text)
		}
		if err := s.admit(bytes); err != nil {
			return err
		}
		for _, d := range docs {
			if err := w.plan(d); err != nil {
				return err
			}
		}
		if err := w.mark(); err != nil {
			return err
		}
		if err := w.replaceChunks(); err != nil {
			return err
		}
		return w.complete()
	})
	if err != nil {
		return nil, err
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
	case before.Kind == rag.RecordDocument && before.MarkedAt == 0 && before.Hash == d.Hash:
		status = rag.StatusUnchanged
	case before.Kind == rag.RecordDocument:
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
			r := newRecord(c.ChunkedDocument)
			r.Chunks = c.chunks
			return r, nil
		}
	}
	return w.store.record(w.tenant, id)
}

// mark says in the records that the documents are being written. Those that are there stay readable.
func (w *writing) mark() error {
	batch := w.store.records.NewBatch()
	now := w.store.now().UnixMilli()
	for _, c := range w.changed {
		marked := record{Kind: rag.RecordDraft}
		if c.before.Kind == rag.RecordDocument {
			marked = c.before
		}
		marked.Chunks, marked.MarkedAt = c.chunks, now
		if err := putRecord(batch, w.tenant, c.ID, marked); err != nil {
			return err
		}
	}
	return w.store.apply(w.store.records, batch)
}

// replaceChunks writes the chunks and deletes those that the documents no longer have.
func (w *writing) replaceChunks() error {
	batch := w.store.newChunkBatch()
	for _, c := range w.changed {
		if err := batch.replace(w.tenant, c.ChunkedDocument, c.chunks); err != nil {
			return err
		}
	}
	return batch.flush()
}

// complete gives the records their documents and hashes.
func (w *writing) complete() error {
	batch := w.store.records.NewBatch()
	for _, c := range w.changed {
		if err := putRecord(batch, w.tenant, c.ID, newRecord(c.ChunkedDocument)); err != nil {
			return err
		}
	}
	return w.store.apply(w.store.records, batch)
}

// chunkBatch collects changes of chunks, and applies them whenever they are many.
type chunkBatch struct {
	store *Store
	batch *bleve.Batch
	bytes int
}

func (s *Store) newChunkBatch() *chunkBatch { return &chunkBatch{store: s, batch: s.chunks.NewBatch()} }

// replace writes the chunks of a document and deletes those from there up to, not including, position bound.
func (b *chunkBatch) replace(tenant string, d rag.ChunkedDocument, bound int) error {
	facets := d.Facets()
	for n, chunk := range d.Chunks {
		found := rag.NewSearchFields(b.store.analyser, chunk)
		if err := putChunk(b.batch, place{chunkKey(tenant, d.ID, n), tenant, facets}, chunk, found); err != nil {
			return err
		}
		if b.bytes += len(chunk.Text) + len(found.Text); b.bytes >= maxBatchBytes {
			if err := b.flush(); err != nil {
				return err
			}
		}
	}
	for n := len(d.Chunks); n < bound; n++ {
		b.batch.Delete(chunkKey(tenant, d.ID, n))
	}
	return nil
}

func (b *chunkBatch) flush() error {
	if b.batch.Size() == 0 {
		return nil
	}
	err := b.store.apply(b.store.chunks, b.batch)
	b.batch, b.bytes = b.store.chunks.NewBatch(), 0
	return err
}
