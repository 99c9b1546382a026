package status

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/alerts"
	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// mostPercent bounds what is told of a budget that was exceeded.
const mostPercent = 1000

// judgeBudget judges BudgetWithinLimit by status.budgets.
func judgeBudget(p Pass) finding {
	spec := p.Service.Spec.Budgets
	if len(alerts.BudgetsOf(spec)) == 0 {
		if spec.PerTenant != nil {
			return yes(v1alpha1.ReasonNotConfigured, "the service has no budget of its own; its tenants have")
		}
		return yes(v1alpha1.ReasonNotConfigured, "no budget is configured")
	}
	budgets := p.budgets()
	same := len(budgets) == len(p.Service.Status.Budgets) // else a window is over, and what was said of it too
	if p.Observed == nil || (!p.polled() && !p.stopped() && same) {
		if previous := p.previous(v1alpha1.ConditionBudgetWithinLimit); previous.Status != "" && previous.Reason != v1alpha1.ReasonNotConfigured {
			return keep(previous)
		}
	}
	if len(budgets) == 0 {
		return unknown(v1alpha1.ReasonWarmingUp, "no server has told yet what was spent in this window")
	}
	worst := slices.MaxFunc(budgets, func(a, b v1alpha1.BudgetStatus) int { return cmp.Compare(*a.UsedPercent, *b.UsedPercent) })
	switch {
	case *worst.UsedPercent >= 100 && spec.OnExceeded == v1alpha1.BudgetAlert:
		return no(v1alpha1.ReasonExceeded, "spec.budgets.%s is spent, and questions are still answered: see status.budgets", worst.Name)
	case *worst.UsedPercent >= 100:
		return no(v1alpha1.ReasonExceeded, "spec.budgets.%s is spent, and questions are refused: raise it, or wait for status.budgets[].resetsAt", worst.Name)
	case *worst.UsedPercent >= alerts.NearLimit:
		return yes(v1alpha1.ReasonNearLimit, "at least %d %% of spec.budgets.%s is spent: see status.budgets", alerts.NearLimit, worst.Name)
	default:
		return yes(v1alpha1.ReasonWithinLimit, "less than %d %% of each budget is spent", alerts.NearLimit)
	}
}

// budgets are those for status.budgets: until the servers have been asked, those of before whose window is not over.
func (p Pass) budgets() []v1alpha1.BudgetStatus {
	var reports []telemetry.Statusz
	if p.polled() {
		reports = p.Observed.Poll.Reports
	}
	return Budgets(p.Service, reports, p.Now)
}

// budgetDeadline is when the first window of those shown ends; 0 for never.
func budgetDeadline(shown []v1alpha1.BudgetStatus, now time.Time) (next time.Duration) {
	for _, b := range shown {
		if left := b.ResetsAt.Sub(now); left > 0 {
			next = soonest(next, left)
		}
	}
	return next
}

// Budgets are those of a RAGService that servers report, each by the server that knows of most in the latest window; those that its status shows
// when none reports. One that has no room for a question counts as spent. A window that is over by now is none, and neither is a budget that was
// removed: servers tell of it until they have the new configuration.
func Budgets(rag *v1alpha1.RAGService, reports []telemetry.Statusz, now time.Time) []v1alpha1.BudgetStatus {
	budgets := reportedBudgets(reports)
	if len(budgets) == 0 {
		budgets = rag.Status.DeepCopy().Budgets
	}
	set := alerts.BudgetsOf(rag.Spec.Budgets)
	budgets = slices.DeleteFunc(budgets, func(b v1alpha1.BudgetStatus) bool { return !slices.Contains(set, b.Name) || !b.ResetsAt.After(now) })
	if len(budgets) == 0 {
		return nil
	}
	return budgets
}

func reportedBudgets(reports []telemetry.Statusz) (budgets []v1alpha1.BudgetStatus) {
	latest := map[string]telemetry.BudgetState{}
	for _, r := range reports {
		for _, b := range r.Budgets {
			if old, known := latest[b.Budget]; !known || b.ResetsAt > old.ResetsAt || (b.ResetsAt == old.ResetsAt && percentOf(b) > percentOf(old)) {
				latest[b.Budget] = b
			}
		}
	}
	for name, b := range latest {
		budgets = append(budgets, v1alpha1.BudgetStatus{
			Name:        v1alpha1.BudgetName(name),
			UsedPercent: new(percentOf(b)),
			Limit:       strconv.FormatFloat(b.Limit, 'f', -1, 64),
			ResetsAt:    metav1.NewTime(time.Unix(b.ResetsAt, 0)),
		})
	}
	slices.SortFunc(budgets, func(a, b v1alpha1.BudgetStatus) int { return cmp.Compare(a.Name, b.Name) })
	return budgets
}

// percentOf is the part of a budget that is taken, a step rounded down.
func percentOf(b telemetry.BudgetState) int32 {
	percent := 0.0
	if b.Limit > 0 {
		percent = math.Min(100*b.Used/b.Limit, mostPercent)
	}
	if b.Exceeded {
		percent = math.Max(percent, 100)
	}
	return int32(percent) / alerts.PercentStep * alerts.PercentStep
}
