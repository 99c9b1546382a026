package telemetry

import (
	"maps"
	"sync"
	"sync/atomic"
)

// series remembers the metrics of a vector by their labels, so that counting a request does not hash them anew. K has a field for each
// label; how many there are is bounded as the labels are.
type series[K comparable, M any] struct {
	known atomic.Pointer[map[K]M] // never changed once stored
	mu    sync.Mutex              // held while a new map is made
}

// of is the metric of labels, made by find the first time.
func (s *series[K, M]) of(labels K, find func(K) M) M {
	if known := s.known.Load(); known != nil {
		if metric, ok := (*known)[labels]; ok {
			return metric
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	more := map[K]M{}
	if known := s.known.Load(); known != nil {
		maps.Copy(more, *known)
	}
	metric := find(labels)
	more[labels] = metric
	s.known.Store(&more)
	return metric
}
