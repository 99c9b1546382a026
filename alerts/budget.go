package alerts

import (
	"fmt"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// BudgetBurn is the name of the alerts of the error budget. They look back over days, which the operator does not: Prometheus alone raises them.
const BudgetBurn = "ErrorBudgetBurn"

// defaultObjective is 3.6 hours of 30 days. With it the fast burn is 7.2 percent of requests, near the 5 percent of errorRate, and the slow
// one half a percent, which nothing else tells of.
const defaultObjective = 99.5

// burn is a pair of windows in which the budget is used too fast: both, so that it is neither a blip nor over.
type burn struct {
	long, short string
	// factor is how many times faster than a budget that lasts 30 days just so.
	factor   float64
	severity Severity
	// lasts is how long the budget of 30 days lasts at that rate, used how much of it goes in the long window.
	lasts, used string
}

// burns are those of Google's SRE Workbook, chapter 5, table 5-8: 2 percent of a budget in an hour, 5 in six hours, 10 in three days.
var burns = []burn{
	{long: "1h", short: "5m", factor: 14.4, severity: Critical, lasts: "50 hours", used: "2%"},
	{long: "6h", short: "30m", factor: 6, severity: Critical, lasts: "5 days", used: "5%"},
	{long: "3d", short: "6h", factor: 1, severity: Warning, lasts: "30 days", used: "10%"},
}

// longWindows are those of the burns that the rules of the error rate do not record.
var longWindows = []string{"1h", "6h", "3d"}

// Objective is how many percent of requests shall not fail.
func Objective(rag *v1alpha1.RAGService) float64 {
	if given := rag.Spec.Alerts.ErrorRate.ObjectivePercent; given != "" {
		if parsed, err := given.Float(); err == nil {
			return parsed
		}
	}
	return defaultObjective
}

func (s service) errorBudget(objective float64) (rules []Rule) {
	for _, window := range longWindows {
		rules = append(rules, s.record(errorRatio, window))
	}
	for _, b := range burns {
		rules = append(rules, s.burn(b, (100-objective)/100))
	}
	return rules
}

func (s service) burn(b burn, budget float64) Rule {
	limit := decimal(b.factor * budget)
	labels := s.alertLabels(b.severity)
	labels[LabelLongWindow] = b.long
	in := func(window string) string {
		return fmt.Sprintf("%s{%s} > %s", errorRatio.recorded(window), s.own(), limit)
	}
	w := budgetWords
	w.description = fmt.Sprintf("$value of the requests of the last %s failed for a reason of the service, and more than %s%% of those of the last %s. "+
		"%s%% may fail in 30 days.", b.long, decimal(b.factor*budget*100), b.short, decimal(budget*100))
	return Rule{
		Alert:       RuleName(BudgetBurn),
		Expr:        in(b.long) + "\nand " + in(b.short),
		Labels:      labels,
		Annotations: s.annotations(w, b.lasts, shareShown),
	}
}
