package localstore

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/blevesearch/bleve/v2"
	index "github.com/blevesearch/bleve_index_api"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// record is the truth about a document. Without a kind there is none.
type record struct {
	Kind rag.RecordKind `json:"kind"`
	// Hash is rag.ChunkedDocument.Hash of Document.
	Hash string `json:"hash,omitempty"`
	// Chunks bounds the positions of the chunks that may be in the index.
	Chunks int `json:"chunks"`
	// Outline makes the chunks of Document.
	Outline []rag.ChunkOutline `json:"outline,omitempty"`
	// MarkedAt is when a write or deletion began that has not ended, in milliseconds since 1970; else 0.
	MarkedAt int64 `json:"marked_at,omitempty"`
	// DeletedAt is when a tombstone was set.
	DeletedAt time.Time     `json:"deleted_at,omitzero"`
	Document  *rag.Document `json:"document,omitempty"`
}

// deleted says that the document and all of its chunks are gone.
func (r record) deleted() bool { return r.Kind == rag.RecordTombstone && r.MarkedAt == 0 }

// chunked is the document of a record with its chunks.
func (r record) chunked() rag.ChunkedDocument {
	return rag.ChunkedDocument{Document: *r.Document, Chunks: rag.ChunksOf(*r.Document, r.Outline), Hash: r.Hash}
}

// newRecord is the record of a document that is whole.
func newRecord(d rag.ChunkedDocument) record {
	return record{Kind: rag.RecordDocument, Hash: d.Hash, Chunks: len(d.Chunks), Outline: d.Outline(), Document: &d.Document}
}

// recordKey and chunkKey name entries. Ids of documents hold no NUL and tenants are compared first, so that no two
// documents share a key; and chunks of equal score are in the order of their ids.
func recordKey(tenant, id string) string { return tenant + "\x00" + id }

// tenantAndID is recordKey's inverse.
func tenantAndID(key string) (tenant, id string) {
	cut := strings.LastIndexByte(key, 0)
	return key[:cut], key[cut+1:]
}

func chunkKey(tenant, id string, n int) string { return recordKey(tenant, id) + "#" + strconv.Itoa(n) }

// put adds an entry to a batch, with its source and what it is found by.
func put(batch *bleve.Batch, key string, source any, found map[string]any) error {
	encoded, err := json.Marshal(source)
	if err != nil {
		return fmt.Errorf("encode an entry: %w", err)
	}
	found[fieldSource] = string(encoded)
	return batch.Index(key, found)
}

func putRecord(batch *bleve.Batch, tenant, id string, r record) error {
	found := map[string]any{fieldTenant: tenant, fieldKind: string(r.Kind)}
	if r.deleted() {
		found[fieldDeletedAt] = r.DeletedAt.UnixMilli()
	}
	if r.MarkedAt != 0 {
		found[fieldMarkedAt] = r.MarkedAt
	}
	return put(batch, recordKey(tenant, id), r, found)
}

// place is where a chunk is kept, whose it is, and what filters find it by.
type place struct {
	key, tenant string
	facets      []string
}

func putChunk(batch *bleve.Batch, at place, c rag.Chunk, found rag.SearchFields) error {
	return put(batch, at.key, c, map[string]any{
		fieldTenant: at.tenant, fieldFacets: at.facets,
		fieldText: found.Text, fieldTitle: found.Title, fieldHeading: found.Heading, fieldStop: found.Stop,
	})
}

// read decodes an entry into out and says whether it is there.
func read(from bleve.Index, key string, out any) (bool, error) {
	entry, err := from.Document(key)
	if err != nil || entry == nil {
		return false, err
	}
	var source []byte
	entry.VisitFields(func(f index.Field) {
		if f.Name() == fieldSource {
			source = f.Value()
		}
	})
	if err := json.Unmarshal(source, out); err != nil {
		if g, ok := from.(guarded); ok {
			g.verify()
		}
		return false, fmt.Errorf("decode an entry: %w", err)
	}
	return true, nil
}

func (s *Store) record(tenant, id string) (record, error) {
	var r record
	_, err := read(s.records, recordKey(tenant, id), &r)
	return r, err
}
