package localstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/blevesearch/bleve/v2"
)

var errClosed = errors.New("the store is closed")

// exclusively runs a change of the indices, one at a time. When ctx ends before the change, the change runs on and keeps
// the others waiting: a batch of bleve takes no context and waits for the disk, however long.
func (s *Store) exclusively(ctx context.Context, change func() error) error {
	if err := ctx.Err(); err != nil {
		return mapError(ctx, err)
	}
	select {
	case s.writer <- struct{}{}:
	case <-ctx.Done():
		return mapError(ctx, ctx.Err())
	}
	ended := make(chan error, 1)
	go func() {
		defer func() { <-s.writer }()
		ended <- s.withoutPanic(change)
	}()
	select {
	case err := <-ended:
		return mapError(ctx, err)
	case <-ctx.Done():
		return mapError(ctx, ctx.Err())
	}
}

// withoutPanic makes an error of a panic: bleve has some where the disk fails, and one would end the whole server.
func (s *Store) withoutPanic(change func() error) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("the index panicked: %v", reason)
		}
	}()
	if s.closed {
		return errClosed
	}
	if err := s.checkWritable(); err != nil {
		return err
	}
	return change()
}

// apply makes the changes of a batch, all or none of them, durable and visible.
func (s *Store) apply(index bleve.Index, batch *bleve.Batch) error {
	if batch.Size() == 0 {
		return nil
	}
	s.beforeApply()
	return index.Batch(batch)
}
