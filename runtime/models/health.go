package models

import (
	"sync"
)

// healthWindow is how many of the last answers are judged.
const healthWindow = 8

// health remembers how the last answers ended.
type health struct {
	mu    sync.Mutex
	last  [healthWindow]bool
	count int
}

func (h *health) add(ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last[h.count%healthWindow] = ok
	h.count++
}

func (h *health) state() (healthy, asked bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := min(h.count, healthWindow)
	good := 0
	for _, ok := range h.last[:seen] {
		if ok {
			good++
		}
	}
	return 2*good > seen, seen > 0
}
