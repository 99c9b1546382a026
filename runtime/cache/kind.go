package cache

import (
	"context"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// kind is what all results of a kind have in common: V is a result, Q what it is asked by. It is made once, with the port
// that does the work.
type kind[Q, V any] struct {
	cache *Cache
	// name is the kind's, as hooks know it.
	name rag.CacheKind
	// work makes a result and tells its pieces as they come; searches have none.
	work func(ctx context.Context, q Q, emit func(rag.Piece)) (V, error)
	// documents are those whose text is in a result, each once.
	documents func(q *Q, v V) []string
	// storable reports whether a result may be kept.
	storable func(q *Q, v V) bool
	// empty reports whether there is nothing in a result.
	empty func(v V) bool
	// pieces are those of a result, in order; nil for a kind that has none.
	pieces func(v V) []rag.Piece
	// current reports whether the documents are still those of the lookup.
	current func(l *lookup[Q]) bool

	// calls may answer from the cache, anew those that must not.
	calls, anew group[result[V]]
	// looks into Redis claim the work on what they do not find, peeks do not.
	looks, peeks group[looked[V]]
}

// lookup is one request for a result.
type lookup[Q any] struct {
	query  Q
	key    string
	tenant string
	ttl    time.Duration
	// staleIfError is how long after it a result stands in for one that cannot be made; 0 for not at all.
	staleIfError time.Duration
	// whole says that nobody reads pieces before the result is there.
	whole bool
	// state is that of the documents, for results that are served under one token only.
	state rag.State
	// doubt is why what is kept may be out of date, and is served as STALE; nil when it is not.
	doubt error
	// owner is the server that works on the result, as a look into Redis has told; empty when nobody may wait for it. expired is
	// the fingerprint of a value there that counts as none.
	owner, expired string
	// looked says that Redis was asked before, so that a request which misses counts once.
	looked bool
	// config is that of the whole lookup.
	config *config.Config
}

// result is a result and where it came from.
type result[V any] struct {
	value V
	info  rag.CacheInfo
}
