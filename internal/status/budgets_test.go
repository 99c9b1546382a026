package status_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/status"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

func budgeted(spec v1alpha1.BudgetsSpec) change {
	return func(p *status.Pass) { p.Service.Spec.Budgets = spec }
}

// takenBy has each server report what it knows of the budgets.
func takenBy(reports ...[]telemetry.BudgetState) change {
	return func(p *status.Pass) {
		for i := range reports {
			p.Observed.Poll.Reports[i].Budgets = reports[i]
		}
	}
}

func daily(used float64) []telemetry.BudgetState {
	return []telemetry.BudgetState{{Budget: "dailyTokens", Used: used, Limit: 1000, ResetsAt: windowEnd.Unix()}}
}

var (
	windowEnd   = start.Truncate(24 * time.Hour).Add(24 * time.Hour)
	dailyTokens = v1alpha1.BudgetsSpec{DailyTokens: new(int64(1000))}
)

func TestBudgetWithinLimit(t *testing.T) {
	t.Parallel()
	alerting := dailyTokens
	alerting.OnExceeded = v1alpha1.BudgetAlert
	full := daily(950)
	full[0].Exceeded = true
	for name, test := range map[string]struct {
		changes []change
		want    string
	}{
		"none":                            {nil, "True/NotConfigured"},
		"of tenants alone":                {[]change{budgeted(v1alpha1.BudgetsSpec{PerTenant: &v1alpha1.TenantBudget{DailyTokens: new(int64(1))}})}, "True/NotConfigured"},
		"nobody has told":                 {[]change{budgeted(dailyTokens)}, "Unknown/WarmingUp"},
		"told of another budget":          {[]change{budgeted(v1alpha1.BudgetsSpec{DailyUSD: "1"}), takenBy(daily(1000))}, "Unknown/WarmingUp"},
		"little":                          {[]change{budgeted(dailyTokens), takenBy(daily(0))}, "True/WithinLimit"},
		"less than four fifths":           {[]change{budgeted(dailyTokens), takenBy(daily(799))}, "True/WithinLimit"},
		"four fifths":                     {[]change{budgeted(dailyTokens), takenBy(daily(800))}, "True/NearLimit"},
		"the server that knows of most":   {[]change{budgeted(dailyTokens), takenBy(daily(100), daily(810))}, "True/NearLimit"},
		"all":                             {[]change{budgeted(dailyTokens), takenBy(daily(1000))}, "False/Exceeded"},
		"no room for one more question":   {[]change{budgeted(dailyTokens), takenBy(full)}, "False/Exceeded"},
		"all, and questions are answered": {[]change{budgeted(alerting), takenBy(daily(1000))}, "False/Exceeded"},
		"servers cannot be asked": {[]change{
			budgeted(dailyTokens), takenBy(daily(1000)), settled, func(p *status.Pass) { p.Observed.Poll = status.Poll{} },
		}, "False/Exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := condition(status.Evaluate(wellPass(test.changes...)).Status, v1alpha1.ConditionBudgetWithinLimit)
			if got := string(c.Status) + "/" + c.Reason; got != test.want {
				t.Errorf("%s: %s, want %s", got, c.Message, test.want)
			}
		})
	}
}

// settled has the pass follow one that saw the same.
func settled(p *status.Pass) {
	p.Service.Status = status.Evaluate(*p).Status
	p.Now = p.Now.Add(time.Hour)
}

// TestShownBudgets has a window that ends: the new one counts, whoever still tells of the old.
func TestShownBudgets(t *testing.T) {
	t.Parallel()
	old, next := daily(1000), daily(126)
	next[0].ResetsAt = windowEnd.Add(24 * time.Hour).Unix()
	want := []v1alpha1.BudgetStatus{
		{Name: "dailyTokens", UsedPercent: new(int32(10)), Limit: "1000", ResetsAt: metav1.NewTime(windowEnd.Add(24 * time.Hour))},
	}
	for name, order := range map[string][2][]telemetry.BudgetState{"new first": {next, old}, "old first": {old, next}} {
		p := wellPass(budgeted(dailyTokens), takenBy(order[0], order[1]))
		got := status.Evaluate(p).Status.Budgets
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b metav1.Time) bool { return a.Time.Equal(b.Time) })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		settled(&p)
		budgeted(v1alpha1.BudgetsSpec{MonthlyUSD: "5"})(&p)
		if got := status.Evaluate(p).Status.Budgets; got != nil {
			t.Errorf("%s: shown after the budget was removed: %v", name, got)
		}
		if got := status.NumbersOf(p.Service, p.Observed.Poll).Budgets; got != nil {
			t.Errorf("%s: a round of polling asks for a pass over a budget that was removed: %v", name, got)
		}
	}
}

// TestWindowsThatAreOver are neither shown nor judged, whether servers run or not; the operator looks again when the first ends.
func TestWindowsThatAreOver(t *testing.T) {
	t.Parallel()
	monthly := telemetry.BudgetState{Budget: "monthlyUSD", Used: 1, Limit: 10, ResetsAt: windowEnd.Add(20 * 24 * time.Hour).Unix()}
	both := dailyTokens
	both.MonthlyUSD = "10"
	for name, test := range map[string]struct {
		spec  v1alpha1.BudgetsSpec
		told  []telemetry.BudgetState
		later change
		want  string
		shown int
	}{
		"no server runs":             {dailyTokens, daily(1000), noServers, "Unknown/WarmingUp", 0},
		"nobody was asked":           {dailyTokens, daily(1000), notPolled, "Unknown/WarmingUp", 0},
		"nobody answers":             {dailyTokens, daily(1000), nobodyAnswers, "Unknown/WarmingUp", 0},
		"a server tells of the old":  {dailyTokens, daily(1000), func(*status.Pass) {}, "Unknown/WarmingUp", 0},
		"another one is not over":    {both, append(daily(1000), monthly), noServers, "True/WithinLimit", 1},
		"nor is it where none asked": {both, append(daily(1000), monthly), notPolled, "True/WithinLimit", 1},
	} {
		p := wellPass(budgeted(test.spec), takenBy(test.told))
		first := status.Evaluate(p)
		if got := outcomes(first.Status)["BudgetWithinLimit"]; got != "False/Exceeded" {
			t.Errorf("%s: before the end of the window %s", name, got)
		}
		if left := windowEnd.Sub(p.Now); first.RecheckAfter == 0 || first.RecheckAfter > left {
			t.Errorf("%s: the operator looks again after %s, and the window ends after %s", name, first.RecheckAfter, left)
		}
		p.Service.Status, p.Now = first.Status, windowEnd
		test.later(&p)
		for range 2 { // the second pass follows the first
			after := status.Evaluate(p).Status
			if got := outcomes(after)["BudgetWithinLimit"]; got != test.want || len(after.Budgets) != test.shown {
				t.Errorf("%s: at its end %s, and %d shown, want %s and %d", name, got, len(after.Budgets), test.want, test.shown)
			}
			p.Service.Status = after
		}
	}
}
