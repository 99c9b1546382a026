package opensearch

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/opensearch-project/opensearch-go/v4"
	"github.com/opensearch-project/opensearch-go/v4/opensearchapi"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// chunksAtOnce is how many chunks are read in one call: about half a megabyte.
const chunksAtOnce = 100

// Refresh makes what was written searchable.
func (s *Store) Refresh(ctx context.Context) error {
	var answer struct {
		Shards *shards `json:"_shards"`
	}
	err := s.do(ctx, call{
		operation: "refresh", method: http.MethodPost, repeatable: true,
		request: func() opensearch.Request { return opensearchapi.IndicesRefreshReq{Index: []string{s.index}} },
	}, &answer)
	if err == nil && !answer.Shards.whole() {
		return unavailable(errPartial)
	}
	return err
}

// Document reads a document as it was last written, whether or not a search sees it yet. While it is being written
// again, its chunks may be of either version.
func (s *Store) Document(ctx context.Context, tenant, id string) (rag.ChunkedDocument, error) {
	records, err := s.readRecords(ctx, tenant, []string{id}, true)
	if err != nil {
		return rag.ChunkedDocument{}, err
	}
	found := records[0]
	if found.Kind != kindDocument || found.Document == nil {
		return rag.ChunkedDocument{}, rag.DocumentNotFound(id)
	}
	chunks, err := s.readChunks(ctx, tenant, id, found.Chunks)
	if err != nil {
		return rag.ChunkedDocument{}, err
	}
	return rag.ChunkedDocument{Document: *found.Document, Chunks: chunks, Hash: found.Hash}, nil
}

func (s *Store) readChunks(ctx context.Context, tenant, id string, count int) ([]rag.Chunk, error) {
	keys := make([]string, count)
	for n := range keys {
		keys[n] = chunkKey(tenant, id, n)
	}
	chunks := make([]rag.Chunk, 0, count)
	for some := range slices.Chunk(keys, chunksAtOnce) {
		found, err := s.multiGet(ctx, some, true)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			if !f.Found {
				continue // being written
			}
			var source chunkSource
			if err := json.Unmarshal(f.Source, &source); err != nil {
				return nil, unavailable(err)
			}
			chunks = append(chunks, source.Chunk)
		}
	}
	return chunks, nil
}
