package localstore

import (
	"context"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// Document reads a document and makes its chunks, both from its record: while it is being written again, they are those
// of the earlier version.
func (s *Store) Document(ctx context.Context, tenant, id string) (rag.ChunkedDocument, error) {
	found, err := s.record(tenant, id)
	if err != nil {
		return rag.ChunkedDocument{}, mapError(ctx, err)
	}
	if found.Kind != rag.RecordDocument {
		return rag.ChunkedDocument{}, rag.DocumentNotFound(id)
	}
	return found.chunked(), nil
}
