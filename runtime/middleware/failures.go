package middleware

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// failuresPerMinute is how many wrong keys an address may try in a minute. Known keys pass regardless, so callers that
	// share an address with the one who guesses are not locked out.
	failuresPerMinute = 20
	// maxNetworks bounds the memory of failures, 1 MiB or so; networks beyond them share one count.
	maxNetworks = 10_000
)

// failures counts failed authentication by network, in minutes.
type failures struct {
	mu     sync.Mutex
	ends   time.Time
	counts map[netip.Prefix]int
}

// add counts a failure. When there were too many it says how long until the count begins anew.
func (f *failures) add(network netip.Prefix, now time.Time) (wait time.Duration, tooMany bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !now.Before(f.ends) {
		f.ends, f.counts = now.Add(time.Minute), map[netip.Prefix]int{}
	}
	if _, known := f.counts[network]; !known && len(f.counts) >= maxNetworks {
		network = netip.Prefix{}
	}
	f.counts[network]++
	return f.ends.Sub(now), f.counts[network] > failuresPerMinute
}
