package stats

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/logging"
)

const (
	// querySlot is the step in which queries leave the last hour, which so is up to 75 minutes.
	querySlot  = 15 * time.Minute
	querySlots = int64(time.Hour/querySlot) + 1
	// queryTenants bounds of how many tenants queries are counted, those that asked last: 100 with 6 sketches of 50 queries each, about
	// 4 MiB, and under logQueries Full with texts of at most queryBytes 8 MiB more.
	queryTenants = 100
	queryBytes   = 256
)

// queries counts which queries callers of each tenant ask.
type queries struct {
	now func() time.Time

	mu      sync.Mutex
	tenants map[string]*tenantQueries
}

// tenantQueries are those of one tenant, since the server started and by the step of the clock in which they were asked.
type tenantQueries struct {
	sinceStart sketch
	slots      [querySlots]struct {
		number int64
		sketch
	}
	asked time.Time
	// changed says that one was asked since they were shared, at the time shared.
	changed bool
	shared  time.Time
}

// sharedQueries are a tenant's queries as they go to other servers.
type sharedQueries struct {
	SinceStart sharedSketch           `json:"all"`
	Slots      map[int64]sharedSketch `json:"slots,omitempty"` // by number
}

func slotOf(now time.Time) int64 { return now.UnixMilli() / querySlot.Milliseconds() }

// lastHour are the sketches of the last hour before now.
func (q *sharedQueries) lastHour(now time.Time) []sharedSketch {
	var all []sharedSketch
	for number, s := range q.Slots {
		if number > slotOf(now)-querySlots {
			all = append(all, s)
		}
	}
	return all
}

// note counts a query of a tenant.
func (q *queries) note(tenant string, asked logging.Query) {
	if len(asked.Text) > queryBytes {
		asked.Text = strings.ToValidUTF8(asked.Text[:queryBytes], "")
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	t, now := q.tenants[tenant], q.now()
	if t == nil {
		t = q.add(tenant)
	}
	t.asked, t.changed = now, true
	t.sinceStart.note(asked)
	number := slotOf(now)
	slot := &t.slots[number%querySlots]
	if slot.number != number {
		slot.number, slot.sketch = number, sketch{}
	}
	slot.note(asked)
}

// add makes room for a tenant, in place of the one that has asked nothing for longest.
func (q *queries) add(tenant string) *tenantQueries {
	if len(q.tenants) >= queryTenants {
		last := ""
		for name, t := range q.tenants {
			if last == "" || t.asked.Before(q.tenants[last].asked) {
				last = name
			}
		}
		delete(q.tenants, last)
	}
	t := &tenantQueries{}
	q.tenants[tenant] = t
	return t
}

// of are the queries of a tenant.
func (q *queries) of(tenant string) sharedQueries {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.share(q.tenants[tenant])
}

func (q *queries) share(t *tenantQueries) sharedQueries {
	if t == nil {
		return sharedQueries{}
	}
	shared := sharedQueries{SinceStart: t.sinceStart.share(), Slots: map[int64]sharedSketch{}}
	for i := range t.slots {
		if s := &t.slots[i]; len(s.queries) > 0 && s.number > slotOf(q.now())-querySlots {
			shared.Slots[s.number] = s.share()
		}
	}
	return shared
}

// changed are the queries of tenants of which some were asked since they were shared, or that were shared before again. They count as
// shared now.
func (q *queries) changed(again time.Time) map[string]sharedQueries {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := map[string]sharedQueries{}
	for tenant, t := range q.tenants {
		if t.changed || t.shared.Before(again) {
			all[tenant], t.changed, t.shared = q.share(t), false, q.now()
		}
	}
	return all
}

// unshare has all queries shared anew.
func (q *queries) unshare() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, t := range q.tenants {
		t.changed = true
	}
}

// forget forgets all queries, and returns whose there were.
func (q *queries) forget() (tenants []string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	tenants = slices.Collect(maps.Keys(q.tenants))
	clear(q.tenants)
	return tenants
}

// forgetTexts has the queries known by their hashes alone.
func (q *queries) forgetTexts() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, t := range q.tenants {
		t.changed = true
		t.sinceStart.forgetTexts()
		for i := range t.slots {
			t.slots[i].forgetTexts()
		}
	}
}

func (s *sketch) forgetTexts() {
	for i := range s.queries {
		s.queries[i].Text = ""
	}
}
