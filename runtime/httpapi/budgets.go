package httpapi

import (
	"context"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/budget"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// Budgets tell how far budgets are taken.
type Budgets interface {
	Service() []budget.Window
	Tenant(ctx context.Context, tenant string) []budget.Window
}

// budgetFigures are a budget in its window.
type budgetFigures struct {
	Budget string `json:"budget"`
	// Scope is tenant or service.
	Scope    string    `json:"scope"`
	Used     float64   `json:"used"`
	Limit    float64   `json:"limit"`
	ResetsAt time.Time `json:"resets_at"`
}

// budgets are those of the caller's tenant, and to administrators those of the service: what the whole service may take is told to no tenant
// that has a budget of its own, so then only to those whom no tenant bounds.
func (a *API) budgets(ctx context.Context, id rag.Identity) []budgetFigures {
	all := []budgetFigures{}
	if a.Budget == nil {
		return all
	}
	add := func(scope string, windows []budget.Window) {
		for _, w := range windows {
			all = append(all, budgetFigures{Budget: w.Budget, Scope: scope, Used: w.Used, Limit: w.Limit, ResetsAt: w.ResetsAt.UTC()})
		}
	}
	tenant := a.Budget.Tenant(ctx, id.Tenant)
	add("tenant", tenant)
	if id.AllTenants || id.Role == rag.RoleAdmin && len(tenant) == 0 {
		add("service", a.Budget.Service())
	}
	return all
}
