package middleware

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// failuresPerMinute is how many wrong keys an address may try in any minute, at each server. Known keys pass
	// regardless, so callers that share an address with the one who guesses are not locked out.
	failuresPerMinute = 20
	failuresWindow    = time.Minute
	// maxNetworks bounds the memory of failures, 2 MiB or so; networks beyond them share one count.
	maxNetworks = 10_000
)

// failures remembers when authentication failed, by network.
type failures struct {
	mu     sync.Mutex
	recent map[netip.Prefix][]time.Time
	// swept is when quiet networks were looked for last.
	swept time.Time
}

// add counts a failure. When there were too many in the minute before, it says how long until the next one is heard.
// Those that are too many do not count: who goes on guessing is heard 20 times a minute, no more and no less.
func (f *failures) add(network netip.Prefix, now time.Time) (wait time.Duration, tooMany bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, known := f.recent[network]; !known && len(f.recent) >= maxNetworks {
		if f.sweep(now); len(f.recent) >= maxNetworks {
			network = netip.Prefix{}
		}
	}
	times := f.recent[network]
	for len(times) > 0 && now.Sub(times[0]) >= failuresWindow {
		times = times[1:]
	}
	if len(times) >= failuresPerMinute {
		return times[0].Add(failuresWindow).Sub(now), true
	}
	if f.recent == nil {
		f.recent = map[netip.Prefix][]time.Time{}
	}
	f.recent[network] = append(times, now)
	return 0, false
}

// sweep drops the networks that have been quiet for a minute. It looks once a second: with every network of an attacker
// it would be slower than the attack.
func (f *failures) sweep(now time.Time) {
	if now.Sub(f.swept) < time.Second {
		return
	}
	f.swept = now
	for network, times := range f.recent {
		if now.Sub(times[len(times)-1]) >= failuresWindow {
			delete(f.recent, network)
		}
	}
}
