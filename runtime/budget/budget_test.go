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
