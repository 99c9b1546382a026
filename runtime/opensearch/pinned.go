package opensearch

import (
	"context"
	"time"
)

// pinnedKey is the key of the concrete index in a context.
type pinnedKey struct{}

// pinned makes all calls with the context go to one concrete index, whatever the alias names meanwhile: a change reads
// sequence numbers that mean something in the index alone that they were read from.
func pinned(ctx context.Context, index string) context.Context {
	return context.WithValue(ctx, pinnedKey{}, index)
}

// pin pins the index that is in use as this replica knows it.
func (s *Store) pin(ctx context.Context) context.Context {
	index := s.knownIndex()
	if index == "" || ctx.Value(pinnedKey{}) != nil {
		return ctx
	}
	return pinned(ctx, index)
}

// place is the alias that a call goes to: of the index that the context pins, or of the one in use. An alias, so that a
// write to an index that is gone makes no new one of that name.
func (s *Store) place(ctx context.Context) string {
	if index, ok := ctx.Value(pinnedKey{}).(string); ok {
		return ownAlias(index)
	}
	return s.index
}

// ownAlias is the alias that always names the index and goes with it.
func ownAlias(index string) string { return index + "-self" }

const (
	// swapWait is how long a change waits for the end of a swap of indices, which it asks for every swapPoll.
	swapWait = 10 * time.Second
	swapPoll = 100 * time.Millisecond
)

// awaitSwap returns when another index than the pinned one is in use, or after swapWait: the index that the context pins
// takes no writes, so its last changes are being copied into a new one.
func (s *Store) awaitSwap(ctx context.Context) {
	index, ok := ctx.Value(pinnedKey{}).(string)
	if !ok {
		return
	}
	for end := time.Now().Add(swapWait); time.Now().Before(end); {
		sent := time.Now()
		known, err := s.readControl(ctx, s.timeout)
		s.learn(known, sent, err == nil)
		if err == nil && known.Source.Index != index || pause(ctx, swapPoll) != nil {
			return
		}
	}
}
