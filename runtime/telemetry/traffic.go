package telemetry

import (
	"sync"
	"time"
)

// Window is how far back recent figures look.
const Window = 5 * time.Minute

const (
	// slotLength is the step in which figures leave the window.
	slotLength = 10 * time.Second
	slots      = int64(Window / slotLength)
	// maxTenants bounds the memory of figures by tenant: 1,000 of about 12 KiB. A tenant beyond them has no figures of
	// its own.
	maxTenants = 1000
)

// Kinds of cached results, as Statusz and metrics name them.
const (
	KindSearch = "search"
	KindLLM    = "llm"
)

// history is the figures since the start and, in slots, those of the window.
type history struct {
	total Counts
	// changed says that something was counted since the figures were last shared, at the time shared.
	changed bool
	shared  time.Time
	slots   [slots]struct {
		number int64
		Counts
	}
}

// record counts in the slot of now; a slot that was last used a window ago begins anew.
func (h *history) record(now int64, count func(*Counts)) {
	s := &h.slots[now%slots]
	if s.number != now {
		s.number, s.Counts = now, Counts{}
	}
	count(&s.Counts)
	count(&h.total)
	h.changed = true
}

func (h *history) recent(now int64) Counts {
	var sum Counts
	for i := range h.slots {
		if s := &h.slots[i]; s.number > now-slots {
			sum.Add(&s.Counts)
		}
	}
	return sum
}

// Traffic counts requests, of all tenants and of each, since the start and for the last Window.
type Traffic struct {
	now   func() time.Time
	start time.Time

	mu      sync.Mutex
	all     history
	tenants map[string]*history
	minutes minutes
	latest  int64 // of minutes
	totals  totals
}

// NewTraffic counts from now on by the clock that it is given.
func NewTraffic(now func() time.Time) *Traffic {
	return &Traffic{now: now, start: now(), tenants: map[string]*history{}, totals: newTotals()}
}

// slot numbers the time since the start; time running backwards counts as standing still.
func (t *Traffic) slot() int64 { return int64(max(0, t.now().Sub(t.start)) / slotLength) }

// Request counts a request of a tenant; failed is one that ended in a 5xx or in an error event.
func (t *Traffic) Request(tenant string, failed bool) {
	errors := int64(0)
	if failed {
		errors = 1
	}
	t.record(tenant, func(c *Counts) {
		c.Requests++
		c.Errors += errors
	}, func(m *Minute) {
		m.Requests++
		m.Errors += errors
	})
}

// Cache counts a request of a tenant that was answered with a result of the kind, by its X-Cache and the layer that had it.
func (t *Traffic) Cache(tenant, kind, outcome, layer string) {
	var one Hits
	switch outcome {
	case "HIT":
		one.Hits = 1
	case "MISS":
		one.Misses = 1
	case "STALE":
		one.Stale = 1
	}
	t.record(tenant, func(c *Counts) { c.kind(kind).count(one, layer) }, func(m *Minute) {
		m.Hits += one.Hits
		m.Misses += one.Misses
	})
}

// Saved counts what a result of the kind, from a layer of the cache, would have taken.
func (t *Traffic) Saved(tenant, kind, layer string, saved Savings) {
	t.record(tenant, func(c *Counts) { c.kind(kind).save(saved, layer) }, func(*Minute) {})
}

// record counts for all tenants and for one, and in the minute.
func (t *Traffic) record(tenant string, count func(*Counts), inMinute func(*Minute)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.slot()
	t.all.record(now, count)
	t.count(inMinute)
	h := t.tenants[tenant]
	if h == nil {
		if len(t.tenants) >= maxTenants {
			return
		}
		h = &history{}
		t.tenants[tenant] = h
	}
	h.record(now, count)
}

// Figures are Counts over a length of time.
type Figures struct {
	Over time.Duration
	Counts
}

// Recent are the hits and misses of all tenants in the last Window, by kind, as Statusz reports them.
func (t *Traffic) Recent() []CacheCount {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.all.recent(t.slot())
	return []CacheCount{
		{Kind: KindSearch, Hits: c.Search.All.Hits, Misses: c.Search.All.Misses},
		{Kind: KindLLM, Hits: c.LLM.All.Hits, Misses: c.LLM.All.Misses},
	}
}
