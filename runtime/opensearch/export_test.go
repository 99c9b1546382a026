package opensearch

import "time"

// LookAfter makes a Store that knows OpenSearch to be down let a request through after d to see.
func (s *Store) LookAfter(d time.Duration) {
	s.guard = newGuard(func() (int, time.Duration) { return failuresToOpen, d })
}
