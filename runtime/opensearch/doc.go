// Package opensearch keeps documents and the control document in OpenSearch and finds passages there.
//
// Three indices belong to a service: the documents, behind the alias <index>, <index>-control, which holds the
// control document and the leases, and what callers say of answers, behind the alias <index>-feedback. A document is one record (its whole text, its hash, the outlines of its chunks) and its
// chunks, all addressed by hashes of tenant, document and chunk. No document is deleted by query.
//
// A write has three steps, each durable before the next: the record is marked as being written, the chunks are
// replaced, the record is completed with the new text. Killed anywhere between, it leaves a record with the time of its
// mark and the number of chunks that there may be, so that sending the document again, deleting it, or Recover finds all
// of them. The mark is also what orders writers of one document: its sequence number is the version of the chunks, and
// OpenSearch refuses those of an older writer.
package opensearch
