package budget

import (
	"strings"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/backends"
)

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
