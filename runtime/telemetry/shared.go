package telemetry

import (
	"cmp"
	"slices"
	"time"
)

// Record is what a server has counted of a tenant, as other servers can add it to theirs.
type Record struct {
	// Started is when the server began to count, in milliseconds since 1970.
	Started int64 `json:"started"`
	// Total is since then.
	Total Counts `json:"total"`
	// Slots are those of the window in which something was counted.
	Slots []Slot `json:"slots,omitempty"`
}

// Slot is what was counted in a step of 10 seconds, the Number-th since the start.
type Slot struct {
	Number int64 `json:"n"`
	Counts
}

// Recent adds up the slots of the last Window before now.
func (r *Record) Recent(now time.Time) Counts {
	var sum Counts
	current := max(0, now.UnixMilli()-r.Started) / slotLength.Milliseconds()
	for i := range r.Slots {
		if r.Slots[i].Number > current-slots {
			sum.Add(&r.Slots[i].Counts)
		}
	}
	return sum
}

// TenantRecord is a Record and whose it is.
type TenantRecord struct {
	Tenant string
	Record
}

// Record is what was counted of a tenant.
func (t *Traffic) Record(tenant string) Record {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.recordOf(t.tenants[tenant])
}

func (t *Traffic) recordOf(h *history) Record {
	r := Record{Started: t.start.UnixMilli()}
	if h == nil {
		return r
	}
	r.Total = h.total
	now := t.slot()
	for i := range h.slots {
		if s := &h.slots[i]; s.number > now-slots && s.Counts != (Counts{}) {
			r.Slots = append(r.Slots, Slot{s.number, s.Counts})
		}
	}
	return r
}

// Share returns the records of tenants, at most of them, of which something was counted since they were shared, or that were shared
// before again; those that have waited longest first. What it returns counts as shared now.
func (t *Traffic) Share(again time.Time, most int) []TenantRecord {
	t.mu.Lock()
	defer t.mu.Unlock()
	var due []string
	for tenant, h := range t.tenants {
		if h.changed || h.shared.Before(again) {
			due = append(due, tenant)
		}
	}
	slices.SortFunc(due, func(a, b string) int {
		return cmp.Or(t.tenants[a].shared.Compare(t.tenants[b].shared), cmp.Compare(a, b))
	})
	due = due[:min(most, len(due))]
	records := make([]TenantRecord, len(due))
	for i, tenant := range due {
		h := t.tenants[tenant]
		records[i] = TenantRecord{tenant, t.recordOf(h)}
		h.changed, h.shared = false, t.now()
	}
	return records
}

// Unshare has all tenants shared anew: nobody has what was shared.
func (t *Traffic) Unshare() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, h := range t.tenants {
		h.changed = true
	}
}
