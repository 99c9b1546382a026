package main

import (
	"cmp"
	"context"

	"github.com/ragservice/ragservice-operator/runtime/budget"
	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// newBudget bounds what the models take.
func (srv *server) newBudget() *budget.Budget {
	b := budget.New(budget.Options{Redis: srv.redisState, Config: srv.source.Config, OnExceeded: srv.budgetExceeded})
	srv.metrics.Budgets(func() []telemetry.BudgetRatio {
		var ratios []telemetry.BudgetRatio
		for _, w := range b.Service() {
			ratios = append(ratios, telemetry.BudgetRatio{Budget: w.Label, Window: w.Window, Used: w.Used / w.Limit})
		}
		return ratios
	})
	return b
}

// budgetExceeded counts a question for which there was no room, and tells of the first one of a window.
func (srv *server) budgetExceeded(ctx context.Context, e budget.Exceeded) {
	scope := budgetScope(e.Tenant != "")
	srv.metrics.BudgetExceeded(e.Label, e.Window, scope, string(e.Action))
	if e.First {
		srv.log.Write(ctx, logging.BudgetExceeded{
			Budget: e.Budget, Scope: scope, Tenant: e.Tenant, Limit: e.Limit, Action: string(e.Action), ResetsAt: e.ResetsAt,
		})
	}
}

// budgetScope is what metrics and the log call whose budget it is.
func budgetScope(ofTenant bool) string {
	if ofTenant {
		return "tenant"
	}
	return "service"
}

// beginCounters has metrics of costs and budgets begin at 0 for what a configuration has, at start and when it is reloaded.
func (srv *server) beginCounters(c *config.Config) {
	if c.LLM.Provider == config.ProviderOpenAI {
		srv.metrics.HasModel(c.LLM.Model, c.LLM.Pricing != config.LLMPricing{})
		for _, f := range c.LLM.Fallbacks {
			srv.metrics.HasModel(f.Model, f.Pricing != config.LLMPricing{})
		}
	}
	for _, set := range budget.SetOf(c.Budgets) {
		action := cmp.Or(c.Budgets.OnExceeded, config.BudgetDeny)
		srv.metrics.HasBudget(set.Label, set.Window, budgetScope(set.OfTenants), string(action))
	}
}

// budgets are those of the service, as the operator reads them.
func (srv *server) budgets() []telemetry.BudgetState {
	var states []telemetry.BudgetState
	for _, w := range srv.budget.Service() {
		states = append(states, telemetry.BudgetState{
			Budget: w.Budget, Used: w.Used, Limit: w.Limit, Exceeded: w.Exceeded, ResetsAt: w.ResetsAt.Unix(),
		})
	}
	return states
}
