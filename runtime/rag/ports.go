package rag

import (
	"context"
)

// Retriever finds passages. Errors are ErrSearchTimeout or ErrSearchUnavailable; an outage is never an empty result.
type Retriever interface {
	Retrieve(ctx context.Context, q Query) (Retrieval, error)
}

// Generator writes an answer. It calls emit for each token as it comes; an error of emit ends the work and is returned.
// Errors are ErrLLMTimeout, ErrLLMUnavailable or ErrLLMBadAnswer.
type Generator interface {
	Generate(ctx context.Context, p Prompt, emit func(Piece) error) (Completion, error)
}

// AnswerCache tells how the cache will serve an answer, before it is begun: a stream's headers say it. A later Generate
// of the same prompt may still go another way, when the entry ends in between.
type AnswerCache interface {
	Peek(ctx context.Context, p Prompt) CacheInfo
}

// WriteStatus is what became of a document that was written.
type WriteStatus string

// Statuses of written documents.
const (
	StatusCreated   WriteStatus = "created"
	StatusUpdated   WriteStatus = "updated"
	StatusUnchanged WriteStatus = "unchanged"
	StatusFailed    WriteStatus = "failed"
)

// ChunkedDocument is a document with its chunks.
type ChunkedDocument struct {
	Document
	Chunks []Chunk
	// Hash is the SHA-256 of the document and of how it was chunked: a document of the same hash is not written again.
	Hash string
}

// WriteResult is what became of one document of a batch.
type WriteResult struct {
	ID     string
	Status WriteStatus
	// Err says why, with StatusFailed. Sending the document again is always safe.
	Err error
}

// DocumentStore keeps documents. Every call sees one tenant alone.
type DocumentStore interface {
	// Write stores a batch, replacing documents of the same id and removing chunks they no longer have. It answers one
	// result for each document, in order. An error means that nothing is known of any of them; sending them again is
	// safe. What was written is searchable only after Refresh.
	Write(ctx context.Context, tenant string, docs []ChunkedDocument) ([]WriteResult, error)
	// Refresh makes all that was written before it searchable.
	Refresh(ctx context.Context) error
	// Document returns a document with its chunks, or ErrPaperNotFound.
	Document(ctx context.Context, tenant, id string) (ChunkedDocument, error)
	// Delete removes a document and makes the removal visible to searches. A repetition within a minute succeeds too;
	// ErrPaperNotFound means that the document was never known (or is long gone).
	Delete(ctx context.Context, tenant, id string) error
	// Count is the number of documents of the tenant.
	Count(ctx context.Context, tenant string) (int, error)
}

// Forgetter drops cached results that hold text of a document, as far as the cache can be reached: entries that stay
// can no longer be found by any request, and end with their TTL.
type Forgetter interface {
	Forget(ctx context.Context, tenant, documentID string)
}
