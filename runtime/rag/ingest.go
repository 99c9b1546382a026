package rag

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"
)

const (
	// A batch is written when it holds batchDocuments documents or batchBytes of text: large enough that the round trip
	// does not matter, small enough for one request to the store.
	batchDocuments = 64
	batchBytes     = 2 << 20
	// finishTimeout bounds the refresh and the raise after the last batch, which run even when the caller has left.
	finishTimeout = 15 * time.Second
	// finishPause is between the attempts of a finish that nobody waits for.
	finishPause = time.Second
)

// Ingest takes documents from next until io.EOF, writes them in batches and reports each, in order. A document that is
// not valid, or that the store refuses, is reported as failed and does not stop the others; when the store fails, the
// rest is reported as failed without being tried. Sending the same documents again is always safe. An error of next
// other than io.EOF ends the work and is returned, after what came before it was written and reported.
func (s *Service) Ingest(ctx context.Context, id Identity, next func() (Document, error), report func(DocumentResult) error, opt IngestOptions) (IngestSummary, error) {
	change, err := s.Control.Begin(ctx, id.Tenant)
	if err != nil {
		return IngestSummary{}, err
	}
	in := ingest{service: s, tenant: id.Tenant, settings: s.Settings().Retrieval, report: report}
	readErr := in.readAll(ctx, next)
	if readErr == nil {
		readErr = in.flush(ctx)
	}
	return in.summary, errors.Join(readErr, s.finish(ctx, change, opt))
}

// finish makes what was written visible, on every replica when the caller waits for it. It refreshes even when nothing
// was written: the same documents may have been sent before, by a caller who did not wait. What fails is tried again in
// the background, as is all of it when nobody waits.
func (s *Service) finish(ctx context.Context, change Change, opt IngestOptions) error {
	detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
	if opt.Refresh {
		err := s.publish(detached, change)
		if err == nil {
			cancel()
			return s.Control.Settle(ctx)
		}
		s.background.Go(func() { defer cancel(); s.publishLater(detached, change) })
		return err
	}
	s.background.Go(func() { defer cancel(); s.publishLater(detached, change) })
	return nil
}

func (s *Service) publish(ctx context.Context, change Change) error {
	if err := s.Documents.Refresh(ctx); err != nil {
		return err
	}
	return change.Publish(ctx)
}

// publishLater tries to publish until it succeeds or ctx ends; then the change is left to be closed as abandoned.
func (s *Service) publishLater(ctx context.Context, change Change) {
	defer change.Abandon()
	for s.publish(ctx, change) != nil {
		select {
		case <-ctx.Done():
			return
		case <-time.After(finishPause):
		}
	}
}

// ingest is the state of one Ingest.
type ingest struct {
	service  *Service
	tenant   string
	settings RetrievalSettings
	report   func(DocumentResult) error
	summary  IngestSummary

	index int
	// pending are the results of the documents since the last flush, in order; those that are to be written have no
	// status yet and stand in batch, in the same order.
	pending []DocumentResult
	batch   []ChunkedDocument
	ids     map[string]bool
	bytes   int
	// storeErr is the error of the store that ended the writing.
	storeErr error
	// dirty says that the store may hold something new.
	dirty bool
}

func (in *ingest) readAll(ctx context.Context, next func() (Document, error)) error {
	for {
		d, err := next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errors.Join(err, in.flush(ctx))
		}
		if err := in.add(ctx, d); err != nil {
			return err
		}
	}
}

// add puts d into the batch. A document whose id is in the batch already goes into the next one: the later text wins.
func (in *ingest) add(ctx context.Context, d Document) error {
	if in.ids[d.ID] || len(in.pending) == batchDocuments || in.bytes >= batchBytes {
		if err := in.flush(ctx); err != nil {
			return err
		}
	}
	result := DocumentResult{Index: in.index, ID: d.ID}
	in.index++
	chunked, err := in.prepare(d)
	if err != nil {
		result.Status, result.Err = StatusFailed, err
	} else {
		result.Chunks = len(chunked.Chunks)
		in.batch = append(in.batch, chunked)
		in.bytes += len(d.Text)
		if in.ids == nil {
			in.ids = map[string]bool{}
		}
		in.ids[d.ID] = true
	}
	in.pending = append(in.pending, result)
	return nil
}

func (in *ingest) prepare(d Document) (ChunkedDocument, error) {
	if err := d.Validate(); err != nil {
		return ChunkedDocument{}, err
	}
	return ChunkAndHash(d, in.settings)
}

// flush writes the batch and reports everything that is pending. Its error is one of report.
func (in *ingest) flush(ctx context.Context) error {
	written := in.write(ctx)
	for _, result := range in.pending {
		if result.Status == "" {
			w := written[0]
			written = written[1:]
			result.Status, result.Err = w.Status, w.Err
		}
		in.summary.count(result.Status)
		if err := in.report(result); err != nil {
			return err
		}
	}
	in.pending, in.batch, in.bytes = in.pending[:0], in.batch[:0], 0
	clear(in.ids)
	return nil
}

func (in *ingest) write(ctx context.Context) []WriteResult {
	if len(in.batch) == 0 {
		return nil
	}
	var results []WriteResult
	if in.storeErr == nil {
		results, in.storeErr = in.service.Documents.Write(ctx, in.tenant, in.batch)
	}
	if in.storeErr != nil {
		results = make([]WriteResult, len(in.batch))
		for i, d := range in.batch {
			results[i] = WriteResult{ID: d.ID, Status: StatusFailed, Err: in.storeErr}
		}
	}
	// Of all of them, before any is reported: a caller who leaves at the first must not hide the others.
	in.dirty = in.dirty || slices.ContainsFunc(results, func(r WriteResult) bool { return r.Status != StatusUnchanged })
	return results
}

// Document returns a document of the caller's tenant with its passages.
func (s *Service) Document(ctx context.Context, id Identity, documentID string) (ChunkedDocument, error) {
	if err := ValidateDocumentID(documentID); err != nil {
		return ChunkedDocument{}, err
	}
	return s.Documents.Document(ctx, id.Tenant, documentID)
}

// DeleteDocument removes a document. When it returns, no request that starts afterwards sees the document on any
// replica, in a search or in an answer.
func (s *Service) DeleteDocument(ctx context.Context, id Identity, documentID string) error {
	if err := ValidateDocumentID(documentID); err != nil {
		return err
	}
	change, err := s.Control.Begin(ctx, id.Tenant)
	if err != nil {
		return err
	}
	defer change.Abandon()
	err = s.Documents.Delete(ctx, id.Tenant, documentID)
	// From here on the document is gone, or may be: what is left must happen even when the caller has left.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
	defer cancel()
	if err := errors.Join(err, change.Publish(ctx)); err != nil {
		return err
	}
	s.Forgetter.Forget(ctx, id.Tenant, documentID)
	return s.Control.Settle(ctx)
}

// CountDocuments is the number of documents of the caller's tenant.
func (s *Service) CountDocuments(ctx context.Context, id Identity) (int, error) {
	return s.Documents.Count(ctx, id.Tenant)
}
