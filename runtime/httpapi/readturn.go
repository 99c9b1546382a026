package httpapi

import (
	"context"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

const (
	// freeDocument is how much of a document is read without a turn, in bytes. Nearly all documents are shorter.
	freeDocument = 1 << 20
	// largeReads is how many longer documents are in memory at once, from their reading to the end of their writing. Each takes
	// several times its length.
	largeReads = 1
	// readTurnMargin of the request's time is left for the answer when a document does not get its turn.
	readTurnMargin = 2 * time.Second
)

// readTurn bounds the memory of the long documents of all uploads: each waits, with the rest of it still at its sender, until
// those before it have been written.
type readTurn struct {
	turns *semaphore.Weighted
	ctx   context.Context //nolint:containedctx // of the request, whose body is read through an io.Reader
	read  int
	held  bool
}

// grow is called with how many more bytes of a document were read. It waits for the turn once the document is long.
func (t *readTurn) grow(n int) error {
	t.read += n
	if t.held || t.read <= freeDocument {
		return nil
	}
	ctx := t.ctx
	if until, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, until.Add(-readTurnMargin))
		defer cancel()
	}
	if err := t.turns.Acquire(ctx, 1); err != nil {
		if t.ctx.Err() != nil {
			return t.ctx.Err()
		}
		return &rag.Error{Kind: rag.ErrOverloaded, Message: "other uploads are being written: try again", RetryAfter: time.Second, Cause: err}
	}
	t.held = true
	return nil
}

// next is called when a document has been read: the next one is measured by itself.
func (t *readTurn) next() { t.read = 0 }

// end gives the turn back. It is called when no document of the upload is in memory any more.
func (t *readTurn) end() {
	if t.held {
		t.turns.Release(1)
	}
	t.held = false
}
