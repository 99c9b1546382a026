package localstore

import (
	"context"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// Document reads a document with its chunks.
func (s *Store) Document(ctx context.Context, tenant, id string) (rag.ChunkedDocument, error) {
	found, err := s.record(tenant, id)
	if err != nil {
		return rag.ChunkedDocument{}, mapError(ctx, err)
	}
	if found.Kind != kindDocument {
		return rag.ChunkedDocument{}, rag.DocumentNotFound(id)
	}
	d := rag.ChunkedDocument{Document: *found.Document, Hash: found.Hash, Chunks: make([]rag.Chunk, 0, found.Chunks)}
	for n := range found.Chunks {
		var chunk rag.Chunk
		there, err := read(s.chunks, chunkKey(tenant, id, n), &chunk)
		if err != nil {
			return rag.ChunkedDocument{}, mapError(ctx, err)
		}
		if there { // else it is being written
			d.Chunks = append(d.Chunks, chunk)
		}
	}
	return d, nil
}
