package alerts

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

const (
	// BudgetNearLimit is the name of the alerts of spec.budgets. For the operator they are the condition BudgetWithinLimit.
	BudgetNearLimit = "BudgetNearLimit"
	// NearLimit is how much of a budget is taken when that is told, in percent.
	NearLimit = 80
)

// BudgetsOf are the budgets of the service that are set.
func BudgetsOf(spec v1alpha1.BudgetsSpec) (names []v1alpha1.BudgetName) {
	if spec.DailyTokens != nil {
		names = append(names, v1alpha1.BudgetDailyTokens)
	}
	if spec.DailyUSD != "" {
		names = append(names, v1alpha1.BudgetDailyUSD)
	}
	if spec.MonthlyUSD != "" {
		names = append(names, v1alpha1.BudgetMonthlyUSD)
	}
	return names
}

var spendingWords = words{
	summary:     "at least $threshold of a budget is spent",
	description: "$value of the budget of {{ $labels.budget }} of the {{ $labels.window }} is spent. When all of it is, questions are $action until the window ends.",
	runbook:     "budget-near-limit.md",
}

// spending tells of each budget of the service that is nearly spent. Servers know the same of it, but for a moment.
func (s service) spending(budgets v1alpha1.BudgetsSpec) Rule {
	w := spendingWords
	action := "refused"
	if budgets.OnExceeded == v1alpha1.BudgetAlert {
		action = "answered all the same"
	}
	w.description = strings.ReplaceAll(w.description, "$action", action)
	return Rule{
		Alert:       RuleName(BudgetNearLimit),
		Expr:        fmt.Sprintf("max by (budget, window) (ragservice_budget_used_ratio{%s}) >= %s", selector(s.namespace, s.name), decimal(NearLimit/100.0)),
		Labels:      s.alertLabels(Warning),
		Annotations: s.annotations(w, strconv.Itoa(NearLimit)+"%", shareShown),
	}
}
