package stats

import (
	"context"
	"crypto/rand"
	"strconv"
	"sync"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

const (
	// shareEvery is how often a server shares its figures, and how late others know them.
	shareEvery = 5 * time.Second
	// shareQueriesEvery is so for queries, which are more bytes and less urgent.
	shareQueriesEvery = 30 * time.Second
	// runningFor is how long after it shared its figures a server counts as running: three rounds may fail.
	runningFor = 20 * time.Second
	// keptFor is how long the figures of a server that has ended are counted: the last hour, and the step in which it leaves it.
	keptFor = time.Hour + querySlot
	// againAfter is how long figures that do not change may stay before they are shared again, so that they do not expire.
	againAfter = keptFor / 2
	// tenantsAtOnce bounds what is shared in one round trip: 100 of about 1 KiB. More tenants come in the next ones.
	tenantsAtOnce = 100
	// startsRead bounds how many servers are added up, those that shared last: a service has fewer, and each may have ended a few times.
	startsRead = 200
	// TopQueries is how many queries are told.
	TopQueries = 20
)

// Options are what a Board needs.
type Options struct {
	// Redis is where servers share their figures; nil for a server that stands alone.
	Redis *resilience.Redis
	// Prefix begins the keys there.
	Prefix  func() string
	Traffic *telemetry.Traffic
	// LogQueries is what may be told of queries.
	LogQueries func() config.LogQueries
	// Now is the clock, which those of other servers are near; nil means time.Now.
	Now func() time.Time
}

// Board has the figures of this server, and through Redis those of all servers of the service. Each start of a server shares under an id of
// its own, so that nothing is counted twice; what a server has counted when it ends is kept for keptFor.
type Board struct {
	options Options
	// start names this start of the server: when it was, and a random word.
	start   string
	queries queries

	// sharing is held by the one round that is under way.
	sharing sync.Mutex
	// detail is what was told of queries when they were last shared, and queriesShared when that was.
	detail        config.LogQueries
	queriesShared time.Time
	// removed are keys that nobody may read any more.
	removed []string
}

// New makes a Board of a server that starts.
func New(o Options) *Board {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Board{
		options: o,
		start:   strconv.FormatInt(o.Traffic.Record("").Started, 10) + "-" + rand.Text(),
		queries: queries{now: o.Now, tenants: map[string]*tenantQueries{}},
		detail:  o.LogQueries(),
	}
}

// Asked counts a query of a tenant, unless nothing may be told of it.
func (b *Board) Asked(tenant string, q logging.Query) {
	if q.Hash != "" {
		b.queries.note(tenant, q)
	}
}

// Figures are those of a tenant.
type Figures struct {
	SinceStart, Recent telemetry.Figures
	// Running and Ended count the servers whose figures these are, this one included.
	Running, Ended int
	// Complete says that other servers were asked for, and all that there are have answered.
	Complete bool
	// TopSinceStart and TopLastHour are the queries that were asked most; nil when nothing may be told of them.
	TopSinceStart, TopLastHour []TopQuery
}

// Replica has the figures of this server alone.
func (b *Board) Replica(tenant string) Figures {
	return b.sum(map[string]*shared{b.start: b.own(tenant)})
}

// Service has the figures of all servers, those of the others up to 5 seconds old. While Redis cannot be asked they are this server's,
// and not Complete.
func (b *Board) Service(ctx context.Context, tenant string) Figures {
	all := map[string]*shared{}
	whole := true
	if b.options.Redis != nil {
		all, whole = b.read(ctx, tenant)
	}
	all[b.start] = b.own(tenant)
	f := b.sum(all)
	f.Complete = whole
	return f
}

// shared is what a server has shared of a tenant.
type shared struct {
	// at is when it last shared anything.
	at time.Time
	telemetry.Record
	queries sharedQueries
}

func (b *Board) own(tenant string) *shared {
	return &shared{at: b.options.Now(), Record: b.options.Traffic.Record(tenant), queries: b.queries.of(tenant)}
}

// sum adds up what servers have shared.
func (b *Board) sum(all map[string]*shared) Figures {
	f, now := Figures{Complete: true}, b.options.Now()
	var sinceStart, lastHour []sharedSketch
	oldest := now.UnixMilli()
	for _, s := range all {
		if now.Sub(s.at) < runningFor {
			f.Running++
		} else {
			f.Ended++
		}
		oldest = min(oldest, s.Started)
		recent := s.Recent(now)
		f.SinceStart.Add(&s.Total)
		f.Recent.Add(&recent)
		sinceStart = append(sinceStart, s.queries.SinceStart)
		lastHour = append(lastHour, s.queries.lastHour(now)...)
	}
	f.SinceStart.Over = time.Duration(now.UnixMilli()-oldest) * time.Millisecond
	f.Recent.Over = min(f.SinceStart.Over, telemetry.Window)
	switch b.options.LogQueries() {
	case config.LogQueriesNone:
		return f
	case config.LogQueriesFull:
		f.TopSinceStart, f.TopLastHour = top(TopQueries, sinceStart), top(TopQueries, lastHour)
	default:
		f.TopSinceStart, f.TopLastHour = withoutTexts(top(TopQueries, sinceStart)), withoutTexts(top(TopQueries, lastHour))
	}
	return f
}

// withoutTexts is for what another server has shared before it was to share them no more.
func withoutTexts(queries []TopQuery) []TopQuery {
	for i := range queries {
		queries[i].Text = ""
	}
	return queries
}
