package cache

import (
	"errors"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// standIn serves an older result, if there is one, in place of one that could not be made for err, and marks it STALE. Else,
// or when err is no outage of what makes results, it returns err. Nothing of the result was told before.
func (k *kind[Q, V]) standIn(l *lookup[Q], older entry[V], use rag.CacheUse, emit func(rag.Piece) error, err error) (result[V], error) {
	if !outage(err) || !k.mayStandIn(l, &older) {
		return result[V]{}, err
	}
	k.cache.options.OnLookup(k.name, LayerLocal, LookupStale)
	return k.serve(older, rag.CacheInfo{Outcome: rag.CacheStale, Age: older.age(k.cache.options.Now()), Layer: LayerLocal, Cause: err}, use, emit)
}

func (k *kind[Q, V]) mayStandIn(l *lookup[Q], older *entry[V]) bool {
	return older.standsIn(k.cache.options.Now(), l.ttl, l.staleIfError)
}

// outage reports whether err is of the search engine or of the model.
func outage(err error) bool { return errors.Is(err, rag.ErrSearch) || rag.ModelUnavailable(err) }
