package budget

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// patience bounds a call to Redis on a machine that is busy.
const patience = 5 * time.Second

const replicas = 2

func configOf(set config.Budgets) func() *config.Config {
	c := &config.Config{Service: config.Service{Namespace: "default", Name: "docs", Replicas: replicas}, Budgets: set}
	return func() *config.Config { return c }
}

// newServer is the budget of one of the servers that share a Redis.
func newServer(t *testing.T, r *backends.RedisServer, set config.Budgets) *Budget {
	t.Helper()
	client := resilience.NewRedis(resilience.RedisOptions{Address: r.Addr(), Timeout: patience})
	t.Cleanup(func() { _ = client.Close() })
	return New(Options{Redis: client, Config: configOf(set)})
}

// ask reads a field of the service's account.
func field(t *testing.T, r *backends.RedisServer, name string) int64 {
	t.Helper()
	out, err := r.Ask("HGET", "rag:{default/docs}:budget:account:service", name)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseInt(strings.TrimSpace(out), 10, 64)
	if err != nil {
		t.Fatalf("%s is %q", name, out)
	}
	return n
}

func tokens(n int64) rag.Cost { return rag.Cost{Tokens: n, NanoUSD: 1000 * n} }

func mustReserve(t *testing.T, b *Budget, tenant string, most rag.Cost) func(rag.Cost) {
	t.Helper()
	settle, err := b.Reserve(t.Context(), tenant, most)
	if err != nil {
		t.Fatal(err)
	}
	return settle
}

func refusedBy(t *testing.T, err error) *rag.Error {
	t.Helper()
	e, ok := errors.AsType[*rag.Error](err)
	if !ok || e.Kind != rag.ErrBudget {
		t.Fatalf("the error is %v, want one of a budget", err)
	}
	return e
}

// spending counts what the models of a test took.
type spending struct{ spent, admitted, refused, inFlight, mostInFlight atomic.Int64 }

// call asks a model that takes as many tokens as most says, or some of these.
func (s *spending) call(ctx context.Context, b *Budget, most int64) {
	settle, err := b.Reserve(ctx, "acme", tokens(most))
	if err != nil {
		s.refused.Add(1)
		return
	}
	s.admitted.Add(1)
	flight := s.inFlight.Add(most)
	for old := s.mostInFlight.Load(); flight > old && !s.mostInFlight.CompareAndSwap(old, flight); old = s.mostInFlight.Load() {
	}
	took := most/2 + rand.Int64N(most/2+1)
	time.Sleep(time.Duration(rand.Int64N(int64(2 * time.Millisecond)))) // the model writes
	s.spent.Add(took)
	settle(tokens(took))
	s.inFlight.Add(-most)
}

// crowd has clients of both servers call until none of them has room for a call any more.
func (s *spending) crowd(t *testing.T, servers []*Budget, clients, calls int, most int64) {
	t.Helper()
	var wait sync.WaitGroup
	for n := range clients {
		wait.Go(func() {
			for range calls {
				s.call(t.Context(), servers[n%len(servers)], most)
			}
		})
	}
	wait.Wait()
}

func (s *spending) tell(t *testing.T, name string, limit int64) {
	t.Helper()
	t.Logf("| %s | %d | %d admitted, %d refused | %d | %d | %d in flight at most |", name, limit, s.admitted.Load(), s.refused.Load(), s.spent.Load(),
		max(0, s.spent.Load()-limit), s.mostInFlight.Load())
}

func TestServersTogetherSpendNoMoreThanTheLimit(t *testing.T) {
	t.Parallel()
	const limit = 100_000
	for name, set := range map[string]config.Budgets{
		"dailyTokens":           {Service: config.BudgetLimits{DailyTokens: limit}},
		"dailyUSD":              {Service: config.BudgetLimits{DailyUSD: limit * 1e-6}},
		"monthlyUSD":            {Service: config.BudgetLimits{MonthlyUSD: limit * 1e-6}},
		"perTenant.dailyTokens": {Tenant: config.BudgetLimits{DailyTokens: limit}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := backends.Redis(t)
			servers := []*Budget{newServer(t, r, set), newServer(t, r, set)}
			var s spending
			s.crowd(t, servers, 200, 20, 100)
			s.tell(t, name, limit)
			if s.spent.Load() > limit || s.refused.Load() == 0 || s.spent.Load() < limit-200 {
				t.Errorf("spent %d of %d, %d refused", s.spent.Load(), limit, s.refused.Load())
			}
			if used, held := field(t, r, "u1"), field(t, r, "h1"); used != s.spent.Load() || held != 0 {
				t.Errorf("Redis counts %d and holds %d, want %d and 0", used, held, s.spent.Load())
			}
		})
	}
}

// outage has two servers spend before, while and after Redis is lost.
func outage(t *testing.T, name string, lose, find func(*backends.RedisServer), args ...string) {
	t.Helper()
	const limit = 40_000
	r := backends.Redis(t, args...)
	set := config.Budgets{Service: config.BudgetLimits{DailyTokens: limit}}
	servers := []*Budget{newServer(t, r, set), newServer(t, r, set)}
	var s spending
	s.crowd(t, servers, 200, 1, 100)
	for _, b := range servers {
		b.Refresh(t.Context())
	}
	before := s.spent.Load()
	var settles []func(rag.Cost)
	for _, b := range servers { // answers that are being written when Redis goes
		settles = append(settles, mustReserve(t, b, "acme", tokens(100)))
	}
	lose(r)
	for _, settle := range settles {
		s.spent.Add(70)
		settle(tokens(70))
	}
	s.crowd(t, servers, 20, 5, 100)
	during := s.spent.Load() - before
	find(r)
	await(t, "Redis is told", func() bool {
		told := true
		for _, b := range servers {
			b.Refresh(t.Context())
			told = told && b.options.Redis.Health() == resilience.HealthUp && !b.owing()
		}
		return told
	})
	if used := field(t, r, "u1"); used != s.spent.Load() {
		t.Errorf("after the outage Redis counts %d, want %d", used, s.spent.Load())
	}
	s.crowd(t, servers, 200, 10, 100)
	s.tell(t, name, limit)
	if during == 0 || s.spent.Load() > limit+s.mostInFlight.Load() || s.refused.Load() == 0 {
		t.Errorf("spent %d of %d, %d during the outage, %d refused", s.spent.Load(), limit, during, s.refused.Load())
	}
	if used := field(t, r, "u1"); used != s.spent.Load() {
		t.Errorf("in the end Redis counts %d, want %d", used, s.spent.Load())
	}
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited a minute until %s", what)
		}
	}
}

func TestWhatIsSpentWhileRedisIsLostCountsOnce(t *testing.T) {
	t.Parallel()
	kill, restart := (*backends.RedisServer).Kill, (*backends.RedisServer).Restart
	t.Run("killed", func(t *testing.T) {
		t.Parallel()
		outage(t, "dailyTokens, Redis killed", kill, restart, "--appendonly", "yes", "--appendfsync", "always")
	})
	t.Run("without its data", func(t *testing.T) {
		t.Parallel()
		outage(t, "dailyTokens, Redis lost its data", kill, restart)
	})
}

// TestShareWhileRedisIsLost has each server take its part of what was left.
func TestShareWhileRedisIsLost(t *testing.T) {
	t.Parallel()
	r := backends.Redis(t)
	set := config.Budgets{Service: config.BudgetLimits{DailyTokens: 1000}}
	a, b := newServer(t, r, set), newServer(t, r, set)
	mustReserve(t, a, "", tokens(400))(tokens(400))
	b.Refresh(t.Context())
	r.Kill()
	for _, server := range []*Budget{a, b} {
		mustReserve(t, server, "", tokens(300)) // half of 600
		_, err := server.Reserve(t.Context(), "", tokens(1))
		if e := refusedBy(t, err); e.RetryAfter != soon {
			t.Errorf("told to come again in %v, want %v: the budget is not spent", e.RetryAfter, soon)
		}
	}
}

// TestReservationOfAKilledServerCountsWhole once its lease is over, and only then.
func TestReservationOfAKilledServerCountsWhole(t *testing.T) {
	t.Parallel()
	r := backends.Redis(t)
	set := config.Budgets{Service: config.BudgetLimits{DailyTokens: 1000}}
	killed, other := newServer(t, r, set), newServer(t, r, set)
	settle := mustReserve(t, killed, "", tokens(900))
	other.Refresh(t.Context())
	if used, held := field(t, r, "u1"), field(t, r, "h1"); used != 0 || held != 900 {
		t.Fatalf("used %d, held %d before the lease is over", used, held)
	}
	leases := "rag:{default/docs}:budget:leases:service"
	out, err := r.Ask("ZRANGE", leases, "0", "-1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Ask("ZADD", leases, "1", strings.TrimSpace(out)); err != nil {
		t.Fatal(err)
	}
	_, err = other.Reserve(t.Context(), "", tokens(200))
	refusedBy(t, err)
	if used, held := field(t, r, "u1"), field(t, r, "h1"); used != 900 || held != 0 {
		t.Errorf("used %d, held %d after it", used, held)
	}
	settle(tokens(10)) // too late
	if used := field(t, r, "u1"); used < 900 {
		t.Errorf("a late settlement made it %d", used)
	}
}

// TestLostAnswerReservesOnce has Redis reserve without the server hearing of it.
func TestLostAnswerReservesOnce(t *testing.T) {
	t.Parallel()
	r := backends.Redis(t)
	client := resilience.NewRedis(resilience.RedisOptions{Address: r.Addr(), Timeout: 200 * time.Millisecond})
	t.Cleanup(func() { _ = client.Close() })
	b := New(Options{Redis: client, Config: configOf(config.Budgets{Service: config.BudgetLimits{DailyTokens: 1000}})})
	await(t, "the script is known", func() bool { b.Refresh(t.Context()); _, err := r.Ask("HGET", "x", "y"); return err == nil })
	r.Pause()
	settle := mustReserve(t, b, "", tokens(300))
	r.Resume()
	settle(tokens(120))
	await(t, "Redis is told", func() bool { b.Refresh(t.Context()); return !b.owing() })
	if used, held := field(t, r, "u1"), field(t, r, "h1"); used != 120 || held != 0 {
		t.Errorf("used %d, held %d, want 120 and 0", used, held)
	}
}

// TestWhatIsSentAgainCountsOnce: settlements and charges, whose answers were lost.
func TestWhatIsSentAgainCountsOnce(t *testing.T) {
	t.Parallel()
	r := backends.Redis(t)
	set := config.Budgets{Service: config.BudgetLimits{DailyTokens: 1000}}
	b := newServer(t, r, set)
	held := &reservation{id: "one", bounds: boundsOf(set, ""), amounts: amountsOf(tokens(300)), took: amountsOf(tokens(120)), began: time.Now()}
	if !b.reserve(t.Context(), set, held) {
		t.Fatal("refused")
	}
	charge := operation{name: opCharge, id: "two", entries: []entry{{scope: service, amounts: amountsOf(tokens(50)), windows: held.windows}}}
	for range 2 {
		if err := b.settleThere(t.Context(), held); err != nil {
			t.Fatal(err)
		}
		if _, _, err := b.run(t.Context(), charge); err != nil {
			t.Fatal(err)
		}
	}
	if used, held := field(t, r, "u1"), field(t, r, "h1"); used != 170 || held != 0 || b.owing() {
		t.Errorf("used %d, held %d, want 170 and 0", used, held)
	}
}

// TestWindowsGoByTheClockOfRedis has servers whose clocks are most of a day off share one window.
func TestWindowsGoByTheClockOfRedis(t *testing.T) {
	t.Parallel()
	r := backends.Redis(t)
	set := config.Budgets{Service: config.BudgetLimits{DailyTokens: 1000}}
	want := day.id(time.Now().UTC())
	for _, off := range []time.Duration{-20 * time.Hour, 0, 20 * time.Hour} {
		b := newServer(t, r, set)
		b.options.Now = func() time.Time { return time.Now().Add(off) }
		mustReserve(t, b, "", tokens(100))(tokens(100))
	}
	if day.id(time.Now().UTC()) != want {
		t.Skip("midnight has passed")
	}
	if got, used := field(t, r, "day"), field(t, r, "u1"); got != want || used != 300 {
		t.Errorf("on %d %d were used, want 300 on %d", got, used, want)
	}
}

func TestDayAndMonthBeginAnewInRedis(t *testing.T) {
	t.Parallel()
	r := backends.Redis(t)
	set := config.Budgets{Service: config.BudgetLimits{DailyTokens: 1000, MonthlyUSD: 1}}
	b := newServer(t, r, set)
	account := "rag:{default/docs}:budget:account:service"
	settle := mustReserve(t, b, "", tokens(400))
	for name, value := range map[string]string{"day": "20200131", "u1": "900", "month": "202001", "u3": "7"} {
		if _, err := r.Ask("HSET", account, name, value); err != nil {
			t.Fatal(err)
		}
	}
	fresh := newServer(t, r, set)
	mustReserve(t, fresh, "", tokens(900))(tokens(900))
	settle(tokens(400))
	if got := []int64{field(t, r, "u1"), field(t, r, "h1"), field(t, r, "u3")}; !cmp.Equal(got, []int64{1300, 0, 1_300_000}) {
		t.Errorf("the new windows have %v", got)
	}
	if _, err := r.Ask("HSET", account, "day", "20200131"); err != nil {
		t.Fatal(err)
	}
	mustReserve(t, newServer(t, r, set), "", tokens(100))(tokens(100)) // by a server that knows nothing of before
	if got := []int64{field(t, r, "u1"), field(t, r, "u3")}; !cmp.Equal(got, []int64{100, 1_400_000}) {
		t.Errorf("another day of the month has %v", got)
	}
	if _, err := r.Ask("HSET", account, "day", "29990101", "u1", "999"); err != nil { // the clock was a later one once
		t.Fatal(err)
	}
	_, err := newServer(t, r, set).Reserve(t.Context(), "", tokens(2))
	refusedBy(t, err)
}

func memory(set config.Budgets, now *time.Time, told *[]Exceeded) *Budget {
	return New(Options{Config: configOf(set), Now: func() time.Time { return *now }, OnExceeded: func(_ context.Context, e Exceeded) {
		if told != nil {
			*told = append(*told, e)
		}
	}})
}

func TestRefusalTellsWhenTheWindowEnds(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 10, 24, 22, 30, 0, 0, time.UTC) // half past midnight in Berlin, of a day with 25 hours
	limits := config.BudgetLimits{DailyTokens: 1000}
	for name, test := range map[string]struct {
		set  config.Budgets
		want map[string]any
	}{
		"service": {
			config.Budgets{Service: limits, TimeZone: "Europe/Berlin"},
			map[string]any{"budget": "dailyTokens", "scope": "service", "limit": 1000.0, "resets_at": "2026-10-25T23:00:00Z"},
		},
		"tenant": {
			config.Budgets{Tenant: limits, TimeZone: "Europe/Berlin"},
			map[string]any{"budget": "dailyTokens", "scope": "tenant", "limit": 1000.0, "resets_at": "2026-10-25T23:00:00Z"},
		},
		"service of tenants": {
			config.Budgets{Service: limits, Tenant: config.BudgetLimits{DailyTokens: 5000}, TimeZone: "Europe/Berlin"},
			map[string]any{"budget": "dailyTokens", "scope": "service", "resets_at": "2026-10-25T23:00:00Z"},
		},
	} {
		at := now
		b := memory(test.set, &at, nil)
		mustReserve(t, b, "acme", tokens(1000))(tokens(950))
		_, err := b.Reserve(t.Context(), "acme", tokens(100))
		e := refusedBy(t, err)
		if diff := cmp.Diff(test.want, e.Details); diff != "" || e.RetryAfter != 24*time.Hour+30*time.Minute {
			t.Errorf("%s: %s\ncome again in %v", name, diff, e.RetryAfter)
		}
		if err := b.Check(t.Context(), "acme", tokens(100)); refusedBy(t, err).RetryAfter != e.RetryAfter {
			t.Errorf("%s: a look says %v", name, err)
		}
		if err := b.Check(t.Context(), "acme", tokens(50)); err != nil {
			t.Errorf("%s: a look refuses what fits: %v", name, err)
		}
		at = at.Add(e.RetryAfter - time.Second)
		if _, err := b.Reserve(t.Context(), "acme", tokens(100)); err == nil {
			t.Errorf("%s: admitted before the window ended", name)
		}
		at = at.Add(time.Second)
		mustReserve(t, b, "acme", tokens(1000))
	}
}

func TestReservedIsNotSpent(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC)
	b := memory(config.Budgets{Service: config.BudgetLimits{MonthlyUSD: 1}}, &now, nil)
	settle := mustReserve(t, b, "", rag.Cost{NanoUSD: 8e8})
	_, err := b.Reserve(t.Context(), "", rag.Cost{NanoUSD: 3e8})
	if e := refusedBy(t, err); e.RetryAfter != soon || b.Service()[0].Exceeded {
		t.Errorf("come again in %v, %+v", e.RetryAfter, b.Service())
	}
	settle(rag.Cost{NanoUSD: 1e8})
	settle(rag.Cost{NanoUSD: 1e8}) // counts once
	mustReserve(t, b, "", rag.Cost{NanoUSD: 9e8})(rag.Cost{NanoUSD: 9e8})
	want := []Window{{
		Budget: "monthlyUSD", Label: "usd", Window: "month", Used: 1, Limit: 1, ResetsAt: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Exceeded: true,
	}}
	if diff := cmp.Diff(want, b.Service()); diff != "" {
		t.Error(diff)
	}
}

func TestAlertAdmitsAndTells(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC)
	var told []Exceeded
	b := memory(config.Budgets{Service: config.BudgetLimits{DailyTokens: 100}, OnExceeded: config.BudgetAlert}, &now, &told)
	for range 3 {
		if err := b.Check(t.Context(), "", tokens(60)); err != nil {
			t.Fatal(err)
		}
		mustReserve(t, b, "", tokens(60))(tokens(60))
	}
	if w := b.Service()[0]; w.Used != 180 || !w.Exceeded {
		t.Errorf("%+v", w)
	}
	if len(told) != 2 || !told[0].First || told[1].First || told[0].Action != config.BudgetAlert {
		t.Errorf("told %+v", told)
	}
}

// TestTenantsHaveTheirOwn and the service's budget is taken by all, or by none when one of both has no room.
func TestTenantsHaveTheirOwn(t *testing.T) {
	t.Parallel()
	r := backends.Redis(t)
	set := config.Budgets{Service: config.BudgetLimits{DailyTokens: 1000}, Tenant: config.BudgetLimits{DailyTokens: 300}}
	b := newServer(t, r, set)
	for n := range 3 {
		mustReserve(t, b, fmt.Sprint("tenant ", n), tokens(300))(tokens(300))
	}
	_, err := b.Reserve(t.Context(), "tenant 0", tokens(50))
	if e := refusedBy(t, err); e.Details["scope"] != "tenant" {
		t.Errorf("%v", e.Details)
	}
	_, err = b.Reserve(t.Context(), "tenant 3", tokens(200))
	if e := refusedBy(t, err); e.Details["scope"] != "service" || e.Details["limit"] != nil {
		t.Errorf("%v", e.Details)
	}
	if w := b.Tenant(t.Context(), "tenant 3"); w[0].Used != 0 {
		t.Errorf("a refused call was taken of its tenant: %+v", w)
	}
	mustReserve(t, b, "tenant 3", tokens(100))
}
