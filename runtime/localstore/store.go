package localstore

import (
	"context"
	"errors"
	"time"

	"github.com/blevesearch/bleve/v2"

	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/terms"
)

// searchTimeout bounds a search, as a call to OpenSearch is bounded.
const searchTimeout = 5 * time.Second

// closeTimeout bounds how long Close waits for a change under way.
const closeTimeout = 3 * time.Second

// Options are what a Store needs.
type Options struct {
	// Dir is the folder that documents are kept in; empty keeps them in memory.
	Dir string
	// Analyser makes the terms of texts and queries; nil means one for English.
	Analyser *terms.Analyser
	// OnRebuild is told how many of the documents' passages were made anew, when Open finds those of another analyser. It
	// may be nil.
	OnRebuild func(done, total int)
	// OnDamage is told that the passages are made anew, or that feedback begins anew, because a file of theirs is damaged, and which. It may be
	// nil.
	OnDamage func(why error)
	// Now is the clock that tombstones are dated by; nil means time.Now.
	Now func() time.Time
	// OnDisk is told when the disk lets the store do more or less than before, with the reason. It must return soon and must
	// not call the Store. It may be nil.
	OnDisk func(state DiskState, why error)
}

// Store is the documents, the search over them, the control document and feedback of a server that stands alone. It is safe for
// concurrent use.
type Store struct {
	records, chunks, feedback bleve.Index

	analyser *terms.Analyser
	now      func() time.Time
	// writer is full while somebody changes documents or closes. Searches do not wait for it.
	writer chan struct{}
	// closed is guarded by writer; done ends with it.
	closed  bool
	done    chan struct{}
	control control
	dir     string // empty in memory
	disk    *disk
	// beforeApply is called before each batch; tests end the process there.
	beforeApply func()
}

var (
	_ rag.Index         = (*Store)(nil)
	_ rag.DocumentStore = (*Store)(nil)
	_ rag.Control       = (*Store)(nil)
	_ rag.FeedbackStore = (*Store)(nil)
)

// Open opens the documents of a folder, or makes it. It fails when another process has it open.
func Open(o Options) (*Store, error) {
	s := &Store{
		analyser: o.Analyser, now: o.Now, writer: make(chan struct{}, 1), done: make(chan struct{}), beforeApply: func() {},
		dir: o.Dir, disk: newDisk(o.OnDisk),
	}
	if s.analyser == nil {
		s.analyser = terms.New([]string{"en"})
	}
	s.control = newControl(s.analyser.Version())
	if s.now == nil {
		s.now = time.Now
	}
	if err := s.openRecords(o.Dir); err != nil {
		return nil, err
	}
	if o.OnRebuild == nil {
		o.OnRebuild = func(int, int) {}
	}
	if o.OnDamage == nil {
		o.OnDamage = func(error) {}
	}
	if err := s.openChunks(o.Dir, o.OnRebuild, o.OnDamage); err != nil {
		return nil, errors.Join(err, s.records.Close())
	}
	if err := s.openFeedback(o.Dir, o.OnDamage); err != nil {
		return nil, errors.Join(err, s.chunks.Close(), s.records.Close())
	}
	return s, nil
}

// Close closes the indices, once. Everything that was written is in the folder already. It waits a while for a change
// under way; one that hangs is left alone, as a kill would.
func (s *Store) Close() error {
	select {
	case s.writer <- struct{}{}:
		defer func() { <-s.writer }()
	case <-time.After(closeTimeout):
		return errors.New("a change of the index has not ended")
	}
	if s.closed { // bleve panics
		return nil
	}
	s.closed = true
	close(s.done)
	return errors.Join(s.feedback.Close(), s.chunks.Close(), s.records.Close())
}

// Refresh returns at once: a batch is searchable when it is written.
func (s *Store) Refresh(context.Context) error { return nil }
