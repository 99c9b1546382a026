package localstore

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/index/scorch"
	index "github.com/blevesearch/bleve_index_api"
)

// guarded is an index whose panics are errors: bleve has some where a file is not what it wrote. A file that cannot be read
// is one as well: bleve maps files into memory, where a read that fails would end the process.
type guarded struct {
	engine
	name string
	disk *disk
	// checking says that the files are being verified.
	checking *atomic.Bool
}

// engine gives the embedded field a name that is not one of its methods.
type engine = bleve.Index

func guard(index bleve.Index, name string, d *disk) guarded {
	return guarded{engine: index, name: name, disk: d, checking: &atomic.Bool{}}
}

// recovered is deferred by the methods below, with what SetPanicOnFault was before.
func (g guarded) recovered(err *error, onFault bool) {
	if reason := recover(); reason != nil {
		*err = fmt.Errorf("the index panicked: %v", reason)
	}
	debug.SetPanicOnFault(onFault)
}

// read runs a read of the index. When it fails for no reason of the caller, the files are verified.
func (g guarded) read(ctx context.Context, read func() error) error {
	if err := g.disk.readable(g.name); err != nil {
		return err
	}
	err := g.attempt(read)
	if err != nil && ctx.Err() == nil && !errors.Is(err, bleve.ErrorIndexClosed) {
		g.verify()
	}
	return err
}

func (g guarded) attempt(read func() error) (err error) {
	defer g.recovered(&err, debug.SetPanicOnFault(true))
	return read()
}

// verify looks for damage in the files that the index reads now, once at a time.
func (g guarded) verify() {
	if !g.checking.CompareAndSwap(false, true) {
		return
	}
	defer g.checking.Store(false)
	err := g.attempt(g.checkSegments)
	if _, is := errors.AsType[*damage](err); is {
		g.disk.found(g.name, err)
	}
}

func (g guarded) checkSegments() error {
	advanced, err := g.Advanced()
	if err != nil {
		return err
	}
	reader, err := advanced.Reader() // holds the files
	if err != nil {
		return err
	}
	defer func() { _ = reader.Close() }()
	snapshot, ok := reader.(*scorch.IndexSnapshot)
	if !ok {
		return nil
	}
	for _, s := range snapshot.Segments() {
		if file, ok := s.Segment().(interface{ Path() string }); ok { // else it is in memory
			if err := checkSegment(file.Path()); err != nil {
				return err
			}
		}
	}
	return nil
}

// Batch is the engine's, a panic being an error: so are all of these.
func (g guarded) Batch(b *bleve.Batch) (err error) {
	defer g.recovered(&err, debug.SetPanicOnFault(true))
	return g.engine.Batch(b)
}

// Document reads an entry.
func (g guarded) Document(id string) (d index.Document, err error) {
	err = g.read(context.Background(), func() error {
		d, err = g.engine.Document(id)
		return err
	})
	return d, err
}

// Search finds entries.
func (g guarded) Search(r *bleve.SearchRequest) (*bleve.SearchResult, error) {
	return g.SearchInContext(context.Background(), r)
}

// SearchInContext finds entries until ctx ends.
func (g guarded) SearchInContext(ctx context.Context, r *bleve.SearchRequest) (found *bleve.SearchResult, err error) {
	err = g.read(ctx, func() error {
		found, err = g.engine.SearchInContext(ctx, r)
		return err
	})
	return found, err
}

// Close ends the engine.
func (g guarded) Close() (err error) {
	defer g.recovered(&err, debug.SetPanicOnFault(true))
	return g.engine.Close()
}
