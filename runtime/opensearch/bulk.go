package opensearch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"

	"github.com/opensearch-project/opensearch-go/v4"
	"github.com/opensearch-project/opensearch-go/v4/opensearchapi"
)

// maxBulk is where the body of a bulk request is cut, in bytes; one operation may be longer.
const maxBulk = 5 << 20

// operation is one line of a bulk request, with its source on the next one.
type operation struct {
	// action is index, create, update or delete.
	action string
	target target
	// source is the document; nil for delete.
	source any
}

// target is which document an operation is about, and under which condition.
type target struct {
	ID string `json:"_id"`
	// IfSeqNo and IfPrimaryTerm let the operation pass only when nobody has changed the document since.
	IfSeqNo       *int64 `json:"if_seq_no,omitempty"`
	IfPrimaryTerm *int64 `json:"if_primary_term,omitempty"`
	// Version and VersionType let the operation pass only when the document has a lower version.
	Version     int64  `json:"version,omitempty"`
	VersionType string `json:"version_type,omitempty"`
}

// ended is how an operation ended: the position of the document in the order of all changes, or an error.
type ended struct {
	seqNo, primaryTerm int64
	err                error
}

// superseded says that another writer changed the document first, or that another index is about to take the place of this one: the
// writer starts over.
func (e ended) superseded() bool {
	var answer *answerError
	return errors.As(e.err, &answer) && (answer.status == http.StatusConflict || answer.replaced())
}

// bulk does the operations, in as many requests as it takes, and tells how each ended, in order. It takes an operation
// when it has room for it, so that they need not be in memory together. When a request fails as a whole, those after it
// are not sent.
func (s *Store) bulk(ctx context.Context, operations iter.Seq[operation]) []ended {
	b := bulk{store: s}
	for op := range operations {
		b.add(ctx, op)
	}
	b.send(ctx, b.body.Len())
	return b.ends
}

// bulk is operations on their way.
type bulk struct {
	store *Store
	// body holds the operations that are not sent yet, and pending counts them.
	body    bytes.Buffer
	pending int
	ends    []ended
	failed  error
}

// add encodes an operation at the end of the body, and sends what stands before it when both are too long together.
func (b *bulk) add(ctx context.Context, op operation) {
	before := b.body.Len()
	if b.failed == nil {
		b.failed = op.encode(&b.body)
	}
	if b.failed != nil {
		b.ends = append(b.ends, ended{err: b.failed})
		return
	}
	if before > 0 && b.body.Len() > maxBulk {
		b.send(ctx, before)
	}
	if b.failed != nil {
		b.ends = append(b.ends, ended{err: b.failed})
		return
	}
	b.pending++
}

// send sends the first bytes of the body, which hold all pending operations.
func (b *bulk) send(ctx context.Context, bytes int) {
	if b.pending == 0 {
		return
	}
	if b.failed == nil {
		var got []ended
		got, b.failed = b.store.sendBulk(ctx, b.body.Bytes()[:bytes], b.pending)
		b.ends = append(b.ends, got...)
	}
	for b.failed != nil && b.pending > 0 {
		b.ends = append(b.ends, ended{err: b.failed})
		b.pending--
	}
	b.pending = 0
	rest := b.body.Bytes()[bytes:]
	b.body.Reset()
	b.body.Write(rest) // moves it to the front
}

// encode appends the lines of an operation.
func (op operation) encode(to *bytes.Buffer) error {
	encoder := json.NewEncoder(to)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(map[string]target{op.action: op.target}); err != nil {
		return fmt.Errorf("encode an operation: %w", err)
	}
	if op.source != nil {
		if err := encoder.Encode(op.source); err != nil {
			return fmt.Errorf("encode a document: %w", err)
		}
	}
	return nil
}

func (s *Store) sendBulk(ctx context.Context, body []byte, operations int) ([]ended, error) {
	var answer struct {
		Items []map[string]struct {
			Status      int   `json:"status"`
			SeqNo       int64 `json:"_seq_no"`
			PrimaryTerm int64 `json:"_primary_term"`
			Error       *struct {
				Type string `json:"type"`
			} `json:"error"`
		} `json:"items"`
	}
	requireAlias := true // else a document would make an index of its own when the real one is gone
	err := s.doWithin(ctx, s.writeTimeout, call{
		operation: "write", method: http.MethodPost,
		request: func() opensearch.Request {
			return opensearchapi.BulkReq{
				Index: s.place(ctx), Body: bytes.NewReader(body), Params: opensearchapi.BulkParams{RequireAlias: &requireAlias},
			}
		},
	}, &answer)
	if err != nil {
		return nil, err
	}
	if len(answer.Items) != operations {
		return nil, unavailable(fmt.Errorf("OpenSearch answered %d items for %d operations", len(answer.Items), operations))
	}
	ends := make([]ended, 0, operations)
	swapped := false
	for _, item := range answer.Items {
		for _, result := range item { // has one entry, named for the action
			end := ended{seqNo: result.SeqNo, primaryTerm: result.PrimaryTerm}
			if result.Error != nil {
				refused := &answerError{status: result.Status, kind: result.Error.Type}
				swapped = swapped || refused.replaced()
				end.err = unavailable(refused)
			}
			ends = append(ends, end)
		}
	}
	if swapped {
		s.metSwap.Store(true)
		s.awaitSwap(ctx)
	}
	return ends, nil
}
