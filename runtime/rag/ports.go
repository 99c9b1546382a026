package rag

import (
	"context"
	"time"
)

// Retriever finds passages. It tells q.Cache how the request is served before any work. Errors are ErrSearchTimeout or
// ErrSearchUnavailable; an outage is never an empty result.
type Retriever interface {
	Retrieve(ctx context.Context, q Query) (Retrieval, error)
}

// Index ranks the passages that a store keeps, in one way a method: the legs of a search. Errors are ErrSearchTimeout or
// ErrSearchUnavailable; an outage is never an empty leg. NewRetriever makes a Retriever of it.
type Index interface {
	// Keyword ranks by the words of the query, all of them optional, with BM25. The statistics are of its terms.
	Keyword(ctx context.Context, q KeywordQuery) (Leg, Statistics, error)
}

// KeywordQuery asks for a page of the ranking by words, within a tenant's documents.
type KeywordQuery struct {
	Tenant string
	// Readers are Identity.Readers of who searches: nil finds all documents of the tenant.
	Readers []string
	// Text is NFC, trimmed, plain text and never operators.
	Text   string
	Filter Filter
	// MinScore leaves out hits with less; nil leaves out none.
	MinScore *float64
	// From and Size are the page; together at most MaxWindow.
	From, Size int
}

// Leg is a page of one ranking.
type Leg struct {
	// Hits are best first, those of equal score in the order of their chunks' ids.
	Hits []Hit
	// Total is the length of the ranking, MaxWindow at most.
	Total int
}

// Generator writes an answer. It calls emit for each token as it comes; an error of emit ends the work and is returned.
// Errors are ErrLLMTimeout, ErrLLMUnavailable, ErrLLMBadAnswer or ErrLLMRefused.
type Generator interface {
	Generate(ctx context.Context, p Prompt, emit func(Piece) error) (Completion, error)
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
	// Unfinished lists writes and deletions of any tenant that were begun before the moment and have not ended,
	// not all of them when they are many. Their server was killed or lost the store.
	Unfinished(ctx context.Context, before time.Time) ([]Unfinished, error)
	// Recover ends one of them, so that searches show what Document shows: a deletion is completed, what was never
	// acknowledged is removed, and a document that was being replaced gets its earlier chunks again. It does nothing when
	// somebody has changed the document since. It becomes visible with Refresh.
	Recover(ctx context.Context, u Unfinished) error
}

// Unfinished is a write or deletion of a document that was begun and has not ended.
type Unfinished struct {
	Tenant, ID string
	// Kind is what was begun.
	Kind UnfinishedKind
	// Began is when, by the clock of the server that began it, in whole milliseconds.
	Began time.Time
}

// UnfinishedKind is what was begun and has not ended.
type UnfinishedKind string

// Kinds of what has not ended.
const (
	UnfinishedCreation UnfinishedKind = "creation"
	UnfinishedUpdate   UnfinishedKind = "update"
	UnfinishedDeletion UnfinishedKind = "deletion"
	// UnfinishedTerms is a document whose passages have the terms of another analyser than the index: a server of another version
	// wrote it.
	UnfinishedTerms UnfinishedKind = "terms"
)

// RecordKind is what a store keeps of a document, beside its passages.
type RecordKind string

// Kinds of records.
const (
	// RecordDocument is a document.
	RecordDocument RecordKind = "document"
	// RecordDraft is a document whose first write has not ended.
	RecordDraft RecordKind = "draft"
	// RecordTombstone is a document that was deleted.
	RecordTombstone RecordKind = "tombstone"
)

// Unfinished is what a mark on a record of the kind stands for.
func (k RecordKind) Unfinished() UnfinishedKind {
	switch k {
	case RecordDocument:
		return UnfinishedUpdate
	case RecordDraft:
		return UnfinishedCreation
	default:
		return UnfinishedDeletion
	}
}
