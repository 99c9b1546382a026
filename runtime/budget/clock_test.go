package budget

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// sums are the windows of the service in Redis and what was taken in them, unless midnight has passed since it was today.
func sums(t *testing.T, r *backends.RedisServer, today int64) []int64 {
	t.Helper()
	if day.id(time.Now().UTC()) != today {
		t.Skip("midnight has passed")
	}
	return []int64{field(t, r, "day"), field(t, r, "month"), field(t, r, "u1"), field(t, r, "u3")}
}

// TestClockFarAheadMovesNoWindow: Redis refuses a server whose clock is a year ahead, which goes by its share and is counted as an error. What
// it took counts when its clock is right again.
func TestClockFarAheadMovesNoWindow(t *testing.T) {
	t.Parallel()
	r := backends.Redis(t)
	set := config.Budgets{Service: config.BudgetLimits{DailyTokens: 1000, MonthlyUSD: 1}}
	today, thisMonth := day.id(time.Now().UTC()), month.id(time.Now().UTC())
	right := newServer(t, r, set)
	mustReserve(t, right, "", tokens(600))(tokens(600))
	var refused atomic.Int64
	client := resilience.NewRedis(resilience.RedisOptions{
		Address: r.Addr(), Timeout: patience,
		OnCall: func(operation string, outcome resilience.Outcome, _ time.Duration) {
			if operation == "budget_reserve" && outcome == resilience.OutcomeError {
				refused.Add(1)
			}
		},
	})
	t.Cleanup(func() { _ = client.Close() })
	ahead := atomic.Int64{}
	ahead.Store(int64(366 * 24 * time.Hour))
	wrong := New(Options{Redis: client, Config: configOf(set), Now: func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }})
	mustReserve(t, wrong, "", tokens(100))(tokens(100))
	_, err := wrong.Reserve(t.Context(), "", tokens(1000/replicas))
	refusedBy(t, err)
	wrong.Refresh(t.Context())
	if diff := cmp.Diff([]int64{today, thisMonth, 600, 600_000}, sums(t, r, today)); diff != "" {
		t.Errorf("with a clock a year ahead Redis has (-want +got):\n%s", diff)
	}
	if refused.Load() != 1 || client.Health() != resilience.HealthUp {
		t.Errorf("%d errors are counted, and Redis is %s", refused.Load(), client.Health())
	}
	_, err = right.Reserve(t.Context(), "", tokens(500))
	refusedBy(t, err)
	ahead.Store(0)
	await(t, "Redis is told", func() bool { wrong.Refresh(t.Context()); return !wrong.owing() })
	if diff := cmp.Diff([]int64{today, thisMonth, 700, 700_000}, sums(t, r, today)); diff != "" {
		t.Errorf("when the clock is right again Redis has (-want +got):\n%s", diff)
	}
}

// TestChargeOfAWindowToComeBeginsNone: a server whose clock is some hours ahead took it while Redis was lost. It counts in the window of now,
// and one of a window that is over counts no more.
func TestChargeOfAWindowToComeBeginsNone(t *testing.T) {
	t.Parallel()
	r := backends.Redis(t)
	set := config.Budgets{Service: config.BudgetLimits{DailyTokens: 1000, MonthlyUSD: 1}}
	now := time.Now().UTC()
	today, thisMonth := day.id(now), month.id(now)
	b := newServer(t, r, set)
	mustReserve(t, b, "", tokens(600))(tokens(600))
	for id, windows := range map[string][2]int64{
		"tomorrow":  {day.near(now)[2], month.near(now)[2]},
		"yesterday": {day.near(now)[0], month.near(now)[0]},
	} {
		charge := operation{name: opCharge, id: id, entries: []entry{{scope: service, amounts: amountsOf(tokens(50)), windows: windows}}}
		if done, _, err := b.run(t.Context(), charge); err != nil || !done {
			t.Fatalf("%s: %t, %v", id, done, err)
		}
	}
	if diff := cmp.Diff([]int64{today, thisMonth, 650, 650_000}, sums(t, r, today)); diff != "" {
		t.Errorf("Redis has (-want +got):\n%s", diff)
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
