package opensearch

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/opensearch-project/opensearch-go/v4"
	"github.com/opensearch-project/opensearch-go/v4/opensearchapi"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// kindChunk is the kind of a passage, beside the kinds of records.
const kindChunk = "chunk"

// record is the truth about a document.
type record struct {
	Kind   rag.RecordKind `json:"kind"`
	Tenant string         `json:"tenant"`
	ID     string         `json:"id"`
	// Hash is rag.ChunkedDocument.Hash of Document.
	Hash string `json:"hash,omitempty"`
	// Chunks bounds the positions of the chunks that may be in the index.
	Chunks int `json:"chunks"`
	// Outline makes the chunks of Document.
	Outline []rag.ChunkOutline `json:"outline,omitempty"`
	// Terms is the version of the server that made the terms of the chunks: Store.version.
	Terms string `json:"terms,omitempty"`
	// MarkedAt is when a write or deletion began that has not ended, in milliseconds since 1970; else 0.
	MarkedAt int64 `json:"marked_at,omitempty"`
	// DeletedAt is when a tombstone was set, in milliseconds since 1970.
	DeletedAt int64         `json:"deleted_at,omitempty"`
	Document  *rag.Document `json:"document,omitempty"`
}

// deleted says that the document and all of its chunks are gone.
func (r record) deleted() bool { return r.Kind == rag.RecordTombstone && r.MarkedAt == 0 }

// chunked is the document of a record with its chunks.
func (r record) chunked() rag.ChunkedDocument {
	return rag.ChunkedDocument{Document: *r.Document, Chunks: rag.ChunksOf(*r.Document, r.Outline), Hash: r.Hash}
}

// newRecord is the record of a document that is whole.
func (s *Store) newRecord(tenant string, d rag.ChunkedDocument) record {
	return record{
		Terms: s.version(),
		Kind:  rag.RecordDocument, Tenant: tenant, ID: d.ID, Hash: d.Hash, Chunks: len(d.Chunks), Outline: d.Outline(), Document: &d.Document,
	}
}

// stored is a record as it was read: what it holds, and its place in the order of changes. Without a kind there is none.
type stored struct {
	record
	seqNo, primaryTerm int64
}

// unchanged is the target that nobody may have touched since the record was read.
func (r stored) unchanged(key string) target {
	return target{ID: key, IfSeqNo: &r.seqNo, IfPrimaryTerm: &r.primaryTerm}
}

// chunkSource is a chunk with what it is found by.
type chunkSource struct {
	Kind   string   `json:"kind"`
	Tenant string   `json:"tenant"`
	Facets []string `json:"facets,omitempty"`
	// Search is indexed and not kept.
	Search rag.SearchFields `json:"search,omitzero"`
	rag.Chunk
}

// readRecords reads the records of documents, in order, as they are now: whether or not a search sees them yet.
func (s *Store) readRecords(ctx context.Context, tenant string, ids []string, withText bool) ([]stored, error) {
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = recordKey(tenant, id)
	}
	return s.readKeys(ctx, keys, withText)
}

// readKeys reads records by their _id, in order.
func (s *Store) readKeys(ctx context.Context, keys []string, withText bool) ([]stored, error) {
	found, err := s.multiGet(ctx, keys, withText)
	if err != nil {
		return nil, err
	}
	records := make([]stored, len(found))
	for i, f := range found {
		if !f.Found {
			continue
		}
		records[i].seqNo, records[i].primaryTerm = f.SeqNo, f.PrimaryTerm
		if err := json.Unmarshal(f.Source, &records[i].record); err != nil {
			return nil, unavailable(err)
		}
	}
	return records, nil
}

// got is one answer of a multi-get.
type got struct {
	Found       bool            `json:"found"`
	SeqNo       int64           `json:"_seq_no"`
	PrimaryTerm int64           `json:"_primary_term"`
	Source      json.RawMessage `json:"_source"`
	Error       *struct {
		Type string `json:"type"`
	} `json:"error"`
}

// multiGet reads by _id, in order.
func (s *Store) multiGet(ctx context.Context, keys []string, withText bool) ([]got, error) {
	body, err := json.Marshal(map[string][]string{"ids": keys})
	if err != nil {
		return nil, err
	}
	var params opensearchapi.MGetParams
	if !withText {
		params.SourceExcludes = []string{"document", "outline"}
	}
	var answer struct {
		Docs []got `json:"docs"`
	}
	err = s.do(ctx, call{
		operation: "read", method: http.MethodPost, repeatable: true,
		request: func() opensearch.Request {
			return opensearchapi.MGetReq{Index: s.place(ctx), Body: bytes.NewReader(body), Params: params}
		},
	}, &answer)
	if err != nil {
		return nil, err
	}
	if len(answer.Docs) != len(keys) {
		return nil, unavailable(errIncomplete)
	}
	for _, doc := range answer.Docs {
		if doc.Error != nil {
			return nil, unavailable(&answerError{status: http.StatusOK, kind: doc.Error.Type})
		}
	}
	return answer.Docs, nil
}
