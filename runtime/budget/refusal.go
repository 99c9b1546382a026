package budget

import (
	"fmt"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// soon is the advice to a caller whose answer has room once others are settled: they take less than is reserved for them.
const soon = 5 * time.Second

// refusal is what the caller is told: when the budget is spent, to come again in the next window. What the whole service may take is told to no
// tenant that has a budget of its own.
func (b *Budget) refusal(set config.Budgets, e Exceeded, spent bool) error {
	scope, whose := "service", "The service's"
	if e.Tenant != "" {
		scope, whose = "tenant", "The tenant's"
	}
	details := map[string]any{"budget": e.Budget, "scope": scope, "resets_at": e.ResetsAt.UTC().Format(time.RFC3339)}
	if e.Tenant != "" || set.Tenant == (config.BudgetLimits{}) {
		details["limit"] = e.Limit
	}
	refused := &rag.Error{
		Kind: rag.ErrBudget, Message: fmt.Sprintf("%s budget %s is spent", whose, e.Budget), Details: details,
		RetryAfter: max(time.Second, e.ResetsAt.Sub(b.options.Now())),
	}
	if !spent {
		refused.Message = fmt.Sprintf("%s budget %s is reserved for answers that are being written", whose, e.Budget)
		refused.RetryAfter = min(soon, refused.RetryAfter)
	}
	return refused
}
