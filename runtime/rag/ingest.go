package rag

import (
	"context"
	"errors"
	"io"
	"time"
)

const (
	// A batch is written when it holds batchDocuments documents, or before it would hold more than batchBytes of text: large
	// enough that the round trip does not matter, small enough for one request to the store. A longer document is a batch of
	// its own.
	batchDocuments = 64
	batchBytes     = 2 << 20
	// maxBytesInWork bounds the text of all batches that are cut and written at once, in bytes: one document of the largest
	// size, or four full batches. Cutting and indexing takes ten times the text in memory.
	maxBytesInWork = MaxDocumentText
	// workTimeout bounds how long a batch waits for its turn. A request's own deadline ends the wait answerMargin before it,
	// so that there is time to say why.
	workTimeout  = 10 * time.Minute
	answerMargin = 5 * time.Second
	// turnRetryAfter is when a caller whose batch got no turn is told to try again.
	turnRetryAfter = time.Second
	// writeTimeout bounds the write of a batch once it has begun, whatever becomes of its caller: the longest document takes
	// seconds, and minutes on a small machine that is busy. A write that the sweeper overtakes is made again.
	writeTimeout = 5 * time.Minute
)

// Ingest takes documents from next until io.EOF, writes them in batches and reports each, in order. A document that is
// not valid, or that the store refuses, is reported as failed and does not stop the others; when the store fails, the
// rest is reported as failed without being tried, and its error is returned. Sending the same documents again is always
// safe. An error of next other than io.EOF ends the work and is returned, after what came before it was written and
// reported. A batch that was begun is written to its end when the caller leaves, and becomes visible.
func (s *Service) Ingest(
	ctx context.Context, id Identity, next func() (Document, error), report func(DocumentResult) error, opt IngestOptions,
) (IngestSummary, error) {
	s.background.Add(1) // Close waits for a batch whose caller has left
	defer s.background.Done()
	in := ingest{service: s, tenant: id.Tenant, settings: s.Settings().Retrieval, report: report}
	err := in.readAll(ctx, next)
	if err == nil {
		err = in.flush(ctx)
	}
	if in.change == nil {
		return in.summary, err // nothing was sent to the store
	}
	return in.summary, errors.Join(err, in.storeErr, s.finish(ctx, in.change, opt))
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
	batch   []Document
	ids     map[string]bool
	bytes   int
	// change is under way since the first batch.
	change Change
	// storeErr is the error of the store that ended the writing.
	storeErr error
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
	if in.ids[d.ID] || len(in.pending) == batchDocuments || in.bytes+len(d.Text) > batchBytes {
		if err := in.flush(ctx); err != nil {
			return err
		}
	}
	result := DocumentResult{Index: in.index, ID: d.ID}
	in.index++
	if err := d.Validate(); err != nil {
		result.Status, result.Err = StatusFailed, err
	} else {
		in.batch = append(in.batch, d)
		in.bytes += len(d.Text)
		if in.ids == nil {
			in.ids = map[string]bool{}
		}
		in.ids[d.ID] = true
	}
	in.pending = append(in.pending, result)
	if in.bytes > batchBytes { // a long document: whoever gave it may wait for its end before reading the next one
		return in.flush(ctx)
	}
	return nil
}

// flush writes the batch and reports everything that is pending. Its errors are those of report, and those that came
// before anything was sent to the store.
func (in *ingest) flush(ctx context.Context) error {
	results, err := in.write(ctx)
	if err != nil {
		return err
	}
	for _, result := range in.pending {
		if result.Status == "" {
			written := results[0]
			results = results[1:]
			result.Status, result.Err, result.Chunks = written.Status, written.Err, written.Chunks
		}
		in.summary.count(result.Status)
		if err := in.report(result); err != nil {
			return err
		}
	}
	clear(in.batch) // of texts
	in.pending, in.batch, in.bytes = in.pending[:0], in.batch[:0], 0
	clear(in.ids)
	return nil
}

// write returns a result for each document of the batch.
func (in *ingest) write(ctx context.Context) ([]DocumentResult, error) {
	if len(in.batch) == 0 {
		return nil, nil
	}
	if in.storeErr == nil {
		results, err := in.writeInTurn(ctx)
		switch {
		case err == nil:
			return results, nil
		case in.change == nil:
			return nil, err
		}
		in.storeErr = err
	}
	results := make([]DocumentResult, len(in.batch))
	for i := range results {
		results[i].Status, results[i].Err = StatusFailed, in.storeErr
	}
	return results, nil
}

// writeInTurn waits for its turn, then cuts and writes the batch to its end.
func (in *ingest) writeInTurn(ctx context.Context) ([]DocumentResult, error) {
	done, err := in.service.takeTurn(ctx, in.bytes)
	if err != nil {
		return nil, err
	}
	defer done()
	if in.change == nil {
		if in.change, err = in.service.Control.Begin(ctx, in.tenant); err != nil {
			return nil, err
		}
	}
	chunked := make([]ChunkedDocument, len(in.batch))
	for i, d := range in.batch {
		if chunked[i], err = ChunkAndHash(d, in.settings); err != nil {
			return nil, err // of metadata that cannot be encoded: Validate refuses them
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	written, err := in.service.Documents.Write(ctx, in.tenant, chunked)
	if err != nil {
		return nil, err
	}
	results := make([]DocumentResult, len(written))
	for i, w := range written {
		results[i] = DocumentResult{Status: w.Status, Err: w.Err, Chunks: len(chunked[i].Chunks)}
	}
	return results, nil
}

// takeTurn waits until there is room for work on a text of that many bytes. Call done when the work has ended.
func (s *Service) takeTurn(ctx context.Context, bytes int) (done func(), err error) {
	until := time.Now().Add(workTimeout)
	if deadline, ok := ctx.Deadline(); ok && deadline.Add(-answerMargin).Before(until) {
		until = deadline.Add(-answerMargin)
	}
	waiting, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	work := s.bytesInWork()
	weight := int64(min(bytes, maxBytesInWork))
	if err := work.Acquire(waiting, weight); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &Error{Kind: ErrOverloaded, Message: "other uploads are being written: try again", RetryAfter: turnRetryAfter, Cause: err}
	}
	return func() { work.Release(weight) }, nil
}
