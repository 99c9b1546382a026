package budget

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

// TestForgottenAccountIsOwed: what a reservation took that Redis has lost is charged although the server has forgotten the account meanwhile.
func TestForgottenAccountIsOwed(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC)
	set := config.Budgets{Tenant: config.BudgetLimits{DailyTokens: 1000}}
	b := memory(set, &now, nil)
	r := &reservation{bounds: boundsOf(set, "acme"), windows: b.ids(set), took: amountsOf(tokens(120))}
	b.owe(r)
	for _, of := range r.bounds {
		if got := b.accounts[of.scope].used; got != r.took {
			t.Errorf("%s owes %v, want %v", of.scope, got, r.took)
		}
	}
}

// TestReservationIsSettledWhereItIs: on the account that tenants share when there are too many, also when there is room for theirs meanwhile.
func TestReservationIsSettledWhereItIs(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC)
	set := config.Budgets{Tenant: config.BudgetLimits{DailyTokens: 1000}}
	b := memory(set, &now, nil)
	var settles []func()
	for n := range maxAccounts + 1 {
		settle := mustReserve(t, b, fmt.Sprint(n), tokens(1))
		settles = append(settles, func() { settle(tokens(0)) })
	}
	settle := mustReserve(t, b, "acme", tokens(300))
	for _, settle := range settles {
		settle()
	}
	mustReserve(t, b, "another", tokens(1))(tokens(0)) // the others are forgotten
	settle(tokens(120))
	type sum struct{ Used, Held int64 }
	got := map[string]sum{}
	for scope, a := range b.accounts {
		if !a.idle() {
			got[scope] = sum{a.used[dailyTokens], a.held[dailyTokens]}
		}
	}
	if diff := cmp.Diff(map[string]sum{service: {120, 0}, tenantScope(""): {120, 0}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestRoomThatCameBackNamesABudgetThatIsSet when what refused a reservation is settled before its caller is told.
func TestRoomThatCameBackNamesABudgetThatIsSet(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 2, 28, 12, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		set    config.Budgets
		want   string
		tenant string
		limit  float64
	}{
		"service": {config.Budgets{Service: config.BudgetLimits{MonthlyUSD: 5}, Tenant: config.BudgetLimits{DailyTokens: 9}}, "monthlyUSD", "", 5},
		"tenant":  {config.Budgets{Tenant: config.BudgetLimits{DailyUSD: 2, MonthlyUSD: 5}}, "dailyUSD", "acme", 2},
	} {
		b := memory(test.set, &now, nil)
		r := &reservation{bounds: boundsOf(test.set, "acme"), amounts: amountsOf(tokens(1)), windows: b.ids(test.set), share: 1}
		e, spent := b.worst(test.set, r)
		if e.Budget != test.want || e.Tenant != test.tenant || e.Limit != test.limit || spent || e.First {
			t.Errorf("%s: %+v, spent %t", name, e, spent)
		}
	}
}
