package opensearch

import (
	"context"
	"net/http"

	"github.com/opensearch-project/opensearch-go/v4"
	"github.com/opensearch-project/opensearch-go/v4/opensearchapi"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// Refresh makes what was written searchable, within the write timeout.
func (s *Store) Refresh(ctx context.Context) error {
	var answer struct {
		Shards *shards `json:"_shards"`
	}
	err := s.doWithin(ctx, s.writeTimeout, call{
		operation: "refresh", method: http.MethodPost, repeatable: true,
		request: func() opensearch.Request {
			return opensearchapi.IndicesRefreshReq{Index: []string{s.place(ctx)}}
		},
	}, &answer)
	if err == nil && !answer.Shards.whole() {
		return unavailable(errPartial)
	}
	return err
}

// Document reads a document as it was last written, whether or not a search sees it yet, and makes its chunks, both from
// its record: while it is being written again, they are those of the earlier version.
func (s *Store) Document(ctx context.Context, tenant, id string) (rag.ChunkedDocument, error) {
	records, err := s.readRecords(refusable(ctx), tenant, []string{id}, true)
	if err != nil {
		return rag.ChunkedDocument{}, err
	}
	found := records[0]
	if found.Kind != rag.RecordDocument || found.Document == nil {
		return rag.ChunkedDocument{}, rag.DocumentNotFound(id)
	}
	return found.chunked(), nil
}
