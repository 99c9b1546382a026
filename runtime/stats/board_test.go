package stats_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/runtime/stats"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// service is servers on one Redis, and the clock of all of them.
type service struct {
	*testing.T
	redis  *backends.RedisServer
	detail config.LogQueries
	passed atomic.Int64
}

func (s *service) now() time.Time { return time.Now().Add(time.Duration(s.passed.Load())) }

func (s *service) pass(d time.Duration) { s.passed.Add(int64(d)) }

type server struct {
	*stats.Board
	traffic *telemetry.Traffic
	service *service
}

func newService(t *testing.T) *service {
	t.Helper()
	return &service{T: t, redis: backends.Redis(t), detail: config.LogQueriesHash}
}

// start starts a server; one that is started again begins anew.
func (s *service) start() server {
	s.Helper()
	client := resilience.NewRedis(resilience.RedisOptions{Address: s.redis.Addr(), Timeout: 5 * time.Second})
	s.Cleanup(func() { _ = client.Close() })
	traffic := telemetry.NewTraffic(s.now)
	return server{stats.New(stats.Options{
		Redis: client, Prefix: func() string { return "rag:{n/s}" }, Traffic: traffic, Now: s.now,
		LogQueries: func() config.LogQueries { return s.detail },
	}), traffic, s}
}

// ask counts a question, and what it was worth.
func (s server) ask(tenant, text string) {
	s.traffic.Request(tenant, false)
	s.traffic.Cache(tenant, telemetry.KindLLM, "HIT", "redis")
	s.traffic.Saved(tenant, telemetry.KindLLM, "redis", telemetry.Savings{PromptTokens: 10})
	s.Asked(tenant, logging.NewHasher([]byte("key")).Tell(s.service.detail, text))
}

func (s server) share() {
	s.service.Helper()
	if err := s.Share(s.service.Context()); err != nil {
		s.service.Fatal(err)
	}
}

// told is what the tests compare.
type told struct {
	Running, Ended  int
	Complete        bool
	Since, Recent   int64
	SavedTokens     int
	TopSince, Hour  []int64
	OldestInSeconds int
}

func (s server) wants(what, tenant string, want told) {
	s.service.Helper()
	f := s.Service(s.service.Context(), tenant)
	counts := func(queries []stats.TopQuery) (n []int64) {
		for _, q := range queries {
			n = append(n, q.Count)
		}
		return n
	}
	got := told{
		Running: f.Running, Ended: f.Ended, Complete: f.Complete, Since: f.SinceStart.Requests, Recent: f.Recent.Requests,
		SavedTokens: f.SinceStart.LLM.Layers[2].Saved.PromptTokens, TopSince: counts(f.TopSinceStart), Hour: counts(f.TopLastHour),
		OldestInSeconds: int(f.SinceStart.Over / time.Minute * 60),
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		s.service.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// TestFiguresOfAllServers are those of each start once, of the tenant alone, while it runs and for an hour after its end.
func TestFiguresOfAllServers(t *testing.T) {
	s := newService(t)
	a, b := s.start(), s.start()
	a.ask("t", "x")
	a.ask("t", "y")
	b.ask("t", "x")
	b.ask("other", "z")
	b.wants("before anything is shared", "t", told{Running: 1, Complete: true, Since: 1, Recent: 1, SavedTokens: 10, TopSince: []int64{1}, Hour: []int64{1}})
	for range 2 { // the second changes nothing
		a.share()
		b.share()
	}
	both := told{Running: 2, Complete: true, Since: 3, Recent: 3, SavedTokens: 30, TopSince: []int64{2, 1}, Hour: []int64{2, 1}}
	a.wants("by the first", "t", both)
	b.wants("by the second", "t", both)
	a.wants("of another tenant", "other", told{Running: 2, Complete: true, Since: 1, Recent: 1, SavedTokens: 10, TopSince: []int64{1}, Hour: []int64{1}})
	a.wants("of nobody", "nobody", told{Running: 2, Complete: true})

	again := s.start() // a is killed, and started again
	again.ask("t", "x")
	s.pass(time.Minute)
	again.share()
	b.share()
	more := both
	more.Running, more.Ended, more.Since, more.Recent, more.SavedTokens, more.OldestInSeconds = 2, 1, 4, 4, 40, 60
	more.TopSince, more.Hour = []int64{3, 1}, []int64{3, 1}
	b.wants("with what a has counted before it was killed", "t", more)
	again.wants("by who took its place", "t", more)

	s.pass(4 * time.Minute)
	b.share()
	again.share()
	late := more
	late.Recent, late.OldestInSeconds = 0, 300
	b.wants("after 5 minutes", "t", late)
	for range 8 { // an hour and 20 minutes, in which nothing happens
		s.pass(10 * time.Minute)
		b.share()
		again.share()
	}
	later := told{Running: 2, Complete: true, Since: 2, SavedTokens: 20, TopSince: []int64{2}, OldestInSeconds: 85 * 60}
	b.wants("when a has ended an hour ago", "t", later)
	again.wants("when a has ended an hour ago", "t", later)
}

// TestRedisLostAndBack: meanwhile a server has its own figures and says that they are not all. A Redis that has forgotten everything is told
// it again.
func TestRedisLostAndBack(t *testing.T) {
	s := newService(t)
	a, b := s.start(), s.start()
	a.ask("t", "x")
	b.ask("t", "x")
	a.share()
	b.share()
	s.redis.Stop()
	a.ask("t", "x")
	a.wants("while Redis is lost", "t", told{Running: 1, Since: 2, Recent: 2, SavedTokens: 20, TopSince: []int64{2}, Hour: []int64{2}})
	if err := a.Share(t.Context()); err == nil {
		t.Error("figures were shared without Redis")
	}
	s.redis.Restart()
	if _, err := s.redis.Ask("flushall"); err != nil {
		t.Fatal(err)
	}
	whole := func() bool {
		for _, each := range []server{a, b} {
			if each.Share(t.Context()) != nil {
				return false
			}
		}
		f := b.Service(t.Context(), "t")
		return f.Complete && f.SinceStart.Requests == 3 && f.Running == 2 && len(f.TopSinceStart) == 1 && f.TopSinceStart[0].Count == 3
	}
	for deadline := time.Now().Add(30 * time.Second); !whole(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %+v", b.Service(t.Context(), "t"))
		}
	}
}

// TestUnreadableFigures of another server are left out, and told as missing.
func TestUnreadableFigures(t *testing.T) {
	s := newService(t)
	a, b := s.start(), s.start()
	a.ask("t", "x")
	a.share()
	b.share()
	for _, key := range s.keys("*:t") {
		if _, err := s.redis.Ask("set", key, "nonsense"); err != nil {
			t.Fatal(err)
		}
	}
	b.ask("t", "x")
	b.wants("with nonsense", "t", told{Running: 1, Since: 1, Recent: 1, SavedTokens: 10, TopSince: []int64{1}, Hour: []int64{1}})
}

func (s *service) keys(pattern string) []string {
	s.Helper()
	said, err := s.redis.Ask("keys", "rag:{n/s}:stats:"+pattern)
	if err != nil {
		s.Fatal(err)
	}
	keys := strings.Fields(said)
	slices.Sort(keys)
	return keys
}

// TestWhatMayBeToldOfQueries holds for Redis and for answers, and for what was shared before.
func TestWhatMayBeToldOfQueries(t *testing.T) {
	s := newService(t)
	s.detail = config.LogQueriesFull
	a, b := s.start(), s.start()
	a.ask("t", "canary of a question")
	a.share()
	b.share()
	first := func(of server) (stats.TopQuery, bool) {
		f := of.Service(t.Context(), "t")
		if len(f.TopLastHour) == 0 {
			return stats.TopQuery{}, f.TopSinceStart != nil
		}
		return f.TopLastHour[0], true
	}
	if q, _ := first(b); q.Text != "canary of a question" || q.Hash == "" || q.Count != 1 {
		t.Errorf("under Full it tells %+v", q)
	}
	if len(s.keys("*:queries")) != 1 {
		t.Fatalf("the queries are not shared: %q", s.keys("*"))
	}
	s.detail = config.LogQueriesHash
	if q, _ := first(b); q.Text != "" || q.Hash == "" {
		t.Errorf("under Hash it tells %+v of what another has shared before", q)
	}
	a.share()
	s.holdsNoCanary("after a share under Hash")
	if q, _ := first(a); q.Text != "" || q.Count != 1 {
		t.Errorf("under Hash it tells %+v of what it has counted before", q)
	}
	s.detail = config.LogQueriesNone
	a.share()
	for _, of := range []server{a, b} {
		if q, told := first(of); told {
			t.Errorf("under None it tells %+v", q)
		}
	}
	if keys := s.keys("*:queries"); len(keys) != 0 {
		t.Errorf("under None there are %q", keys)
	}
	a.ask("t", "another canary")
	s.detail = config.LogQueriesHash
	if q, told := first(a); q.Count != 0 || !told {
		t.Errorf("what was asked under None is counted: %+v", q)
	}
}

// holdsNoCanary looks at every value as it goes over the wire, and as it is when decoded.
func (s *service) holdsNoCanary(when string) {
	s.Helper()
	for _, key := range s.keys("*:queries") {
		value, err := s.redis.Ask("get", key)
		if err != nil {
			s.Fatal(err)
		}
		if strings.Contains(strings.ToLower(value), "canary") || strings.Contains(value, "question") {
			s.Errorf("%s Redis holds %q", when, value)
		}
	}
}

// TestCountingAllocatesNothing: a cached answer is counted, and its question, without a byte of garbage.
func TestCountingAllocatesNothing(t *testing.T) {
	traffic := telemetry.NewTraffic(time.Now)
	board := stats.New(stats.Options{Traffic: traffic, LogQueries: func() config.LogQueries { return config.LogQueriesHash }})
	q := logging.NewHasher([]byte("key")).Tell(config.LogQueriesHash, "x")
	count := func() {
		traffic.Cache("t", telemetry.KindLLM, "HIT", "local")
		traffic.Saved("t", telemetry.KindLLM, "local", telemetry.Savings{PromptTokens: 1})
		board.Asked("t", q)
	}
	count() // makes room for the tenant
	if n := testing.AllocsPerRun(100, count); n >= 1 {
		t.Errorf("%g allocations", n)
	}
}
