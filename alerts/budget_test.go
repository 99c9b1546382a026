package alerts_test

import (
	"fmt"
	"testing"

	"github.com/ragservice/ragservice-operator/alerts"
	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// failing are the series of a server whose requests fail by so many of a thousand in each of the phases.
func failing(phases ...[2]int) []series {
	ok, failed := "0", "0"
	okNow, failedNow := 0, 0
	for _, p := range phases {
		scrapes, failures := p[0], p[1]
		ok += fmt.Sprintf(" %d+%dx%d", okNow+1000-failures, 1000-failures, scrapes-1)
		failed += fmt.Sprintf(" %d+%dx%d", failedNow+failures, failures, scrapes-1)
		okNow, failedNow = okNow+scrapes*(1000-failures), failedNow+scrapes*failures
	}
	const labels = `namespace="shop",service="papers-metrics",pod="a"}`
	return []series{
		{`ragservice_requests_total{outcome="ok",` + labels, ok}, {`ragservice_requests_total{outcome="failed",` + labels, failed},
		{`ragservice_requests_total{outcome="failed",namespace="shop",service="others-metrics",pod="z"}`, "0+1000x5000"}, // of another service
	}
}

// burnsAt is whether the alert of the budget with that long window fires after so many minutes.
func burnsAt(long string, minute int, burns bool) queryTest {
	q := firesAt("RAGServiceErrorBudgetBurn", minute, burns)
	q.Expr = fmt.Sprintf(`count(ALERTS{alertname="RAGServiceErrorBudgetBurn",long_window=%q}) or vector(0)`, long)
	return q
}

// TestErrorBudget: each pair of windows raises its alert just over its rate and not at a little less, not by the long window or the short one
// alone, and not for long after the end. An objective of 99 % makes whole numbers of requests of the limits.
func TestErrorBudget(t *testing.T) {
	t.Parallel()
	rag := asking()
	rag.Spec.Alerts.ErrorRate.ObjectivePercent = v1alpha1.Decimal("99")
	testRules(t, rag, "5m", []unitTest{
		{Name: "1h and 5m, over 14.4 %", Interval: "1m", InputSeries: failing([2]int{120, 146}, [2]int{10, 0}), Queries: []queryTest{
			burnsAt("1h", 120, true), burnsAt("6h", 120, true), burnsAt("1h", 130, false),
		}},
		{Name: "1h and 5m, under 14.4 %", Interval: "1m", InputSeries: failing([2]int{120, 143}), Queries: []queryTest{
			burnsAt("1h", 60, false), burnsAt("1h", 120, false),
		}},
		{Name: "all fail, for 5 minutes", Interval: "1m", InputSeries: failing([2]int{120, 0}, [2]int{5, 1000}), Queries: []queryTest{
			burnsAt("1h", 125, false),
		}},
		{Name: "all fail, for 10 minutes", Interval: "1m", InputSeries: failing([2]int{120, 0}, [2]int{10, 1000}), Queries: []queryTest{
			burnsAt("1h", 130, true),
		}},
		{Name: "6h and 30m, over 6 %", Interval: "1m", InputSeries: failing([2]int{420, 62}, [2]int{40, 0}), Queries: []queryTest{
			burnsAt("6h", 420, true), burnsAt("1h", 420, false), burnsAt("6h", 460, false),
		}},
		{Name: "over in 1h, no longer in 5m", Interval: "1m", InputSeries: failing([2]int{120, 200}, [2]int{10, 0}), Queries: []queryTest{
			burnsAt("1h", 120, true), burnsAt("1h", 130, false),
		}},
		{Name: "over in 6h, no longer in 30m", Interval: "1m", InputSeries: failing([2]int{420, 100}, [2]int{40, 0}), Queries: []queryTest{
			burnsAt("6h", 420, true), burnsAt("6h", 460, false),
		}},
		{Name: "6h and 30m, under 6 %", Interval: "1m", InputSeries: failing([2]int{420, 59}), Queries: []queryTest{burnsAt("6h", 420, false)}},
	})
	const day = 288 // scrapes, one every 5 minutes
	testRules(t, rag, "30m", []unitTest{
		{Name: "3d and 6h, over 1 %", Interval: "5m", InputSeries: failing([2]int{3 * day, 11}, [2]int{80, 0}), Queries: []queryTest{
			burnsAt("3d", 3*24*60, true), burnsAt("6h", 3*24*60, false), burnsAt("3d", 3*24*60+400, false),
		}},
		{Name: "over in 3d, no longer in 6h", Interval: "5m", InputSeries: failing([2]int{3 * day, 20}, [2]int{80, 0}), Queries: []queryTest{
			burnsAt("3d", 3*24*60, true), burnsAt("3d", 3*24*60+400, false),
		}},
		{Name: "3d and 6h, under 1 %", Interval: "5m", InputSeries: failing([2]int{3 * day, 9}), Queries: []queryTest{burnsAt("3d", 3*24*60, false)}},
	})
}

// TestWhatAlertsSay: the labels that receivers choose by, and words with the numbers in them.
func TestWhatAlertsSay(t *testing.T) {
	t.Parallel()
	labels := map[string]string{"namespace": "shop", "name": "papers", "severity": "critical"}
	const runbooks = "https://github.com/ragservice/ragservice-operator/blob/main/docs/runbooks/"
	burning := map[string]string{"namespace": "shop", "name": "papers", "severity": "critical", "long_window": "1h"}
	slower := map[string]string{"namespace": "shop", "name": "papers", "severity": "critical", "long_window": "6h"}
	slowest := map[string]string{"namespace": "shop", "name": "papers", "severity": "warning", "long_window": "3d"}
	says := func(window, lasts, limit, short string) map[string]string {
		return map[string]string{
			"summary": "RAGService shop/papers: at this rate the error budget of 30 days lasts less than " + lasts,
			"description": "20% of the requests of the last " + window + " failed for a reason of the service, and more than " + limit + "% of those of the last " +
				short + ". 0.5% may fail in 30 days.",
			"runbook_url": runbooks + "error-budget-burn.md",
		}
	}
	testRules(t, asking(), "1m", []unitTest{{
		Name: "a fifth fails", Interval: "1m", InputSeries: failing([2]int{20, 200}),
		Alerts: []alertTest{
			{EvalTime: "20m", Alertname: "RAGServiceErrorRate", Expected: []fromAlert{{labels, map[string]string{
				"summary":     "RAGService shop/papers: more than 5% of requests fail",
				"description": "20% of the requests of the last 5 minutes failed for a reason of the service: 5xx, and streams that ended in an error.",
				"runbook_url": runbooks + "error-rate.md",
			}}}},
			{EvalTime: "20m", Alertname: "RAGServiceErrorBudgetBurn", Expected: []fromAlert{
				{burning, says("1h", "50 hours", "7.2", "5m")}, {slower, says("6h", "5 days", "3", "30m")}, {slowest, says("3d", "30 days", "0.5", "6h")},
			}},
		},
	}})
}

// TestSpending: each budget of the service tells of itself from 80 % on, by what the server that knows of most says, until its window ends.
func TestSpending(t *testing.T) {
	t.Parallel()
	rag := asking()
	rag.Spec.Budgets = v1alpha1.BudgetsSpec{DailyTokens: new(int64(1)), MonthlyUSD: "1", OnExceeded: v1alpha1.BudgetAlert}
	of := func(labels string) string {
		return `ragservice_budget_used_ratio{namespace="shop",` + labels + `}`
	}
	const name = "RAGServiceBudgetNearLimit"
	testRules(t, rag, "1m", []unitTest{{
		Name: "a day", Interval: "1m",
		InputSeries: []series{
			{of(`service="papers-metrics",pod="a",budget="tokens",window="day"`), "0.79x10 0.79x10 0x10"},
			{of(`service="papers-metrics",pod="b",budget="tokens",window="day"`), "0.79x10 0.8x10 0x10"},
			{of(`service="papers-metrics",pod="b",budget="usd",window="month"`), "0.5x30"},
			{of(`service="others-metrics",pod="c",budget="usd",window="day"`), "1x30"},
		},
		Queries: []queryTest{firesAt(name, 10, false), firesAt(name, 12, true), firesAt(name, 25, false)},
		Alerts: []alertTest{{EvalTime: "15m", Alertname: name, Expected: []fromAlert{{
			map[string]string{"namespace": "shop", "name": "papers", "severity": "warning", "budget": "tokens", "window": "day"},
			map[string]string{
				"summary":     "RAGService shop/papers: at least 80% of a budget is spent",
				"description": "80% of the budget of tokens of the day is spent. When all of it is, questions are answered all the same until the window ends.",
				"runbook_url": "https://github.com/ragservice/ragservice-operator/blob/main/docs/runbooks/budget-near-limit.md",
			},
		}}}},
	}})
	rag.Spec.Budgets = v1alpha1.BudgetsSpec{PerTenant: &v1alpha1.TenantBudget{DailyTokens: new(int64(1))}}
	for _, group := range alerts.Rules(rag).Groups {
		for _, rule := range group.Rules {
			if rule.Alert == name {
				t.Error("a budget of tenants alone has a rule")
			}
		}
	}
}
