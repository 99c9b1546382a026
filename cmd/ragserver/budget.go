package main

import (
	"context"

	"github.com/ragservice/ragservice-operator/runtime/budget"
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
	scope := "service"
	if e.Tenant != "" {
		scope = "tenant"
	}
	srv.metrics.BudgetExceeded(e.Label, e.Window, scope, string(e.Action))
	if e.First {
		srv.log.Write(ctx, logging.BudgetExceeded{
			Budget: e.Budget, Scope: scope, Tenant: e.Tenant, Limit: e.Limit, Action: string(e.Action), ResetsAt: e.ResetsAt,
		})
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
