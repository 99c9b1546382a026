package serverconfig

import (
	"errors"
	"fmt"
	"strconv"

	"k8s.io/utils/ptr"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

func buildBudgets(spec v1alpha1.BudgetsSpec) (config.Budgets, error) {
	service, serviceErr := buildBudget("spec.budgets", spec.DailyTokens, spec.DailyUSD, spec.MonthlyUSD)
	budgets := config.Budgets{Service: service, TimeZone: spec.TimeZone, OnExceeded: config.BudgetAction(spec.OnExceeded)}
	var tenantErr error
	if t := spec.PerTenant; t != nil {
		budgets.Tenant, tenantErr = buildBudget("spec.budgets.perTenant", t.DailyTokens, t.DailyUSD, t.MonthlyUSD)
	}
	return budgets, errors.Join(serviceErr, tenantErr)
}

func buildBudget(path string, dailyTokens *int64, dailyUSD, monthlyUSD v1alpha1.USD) (config.BudgetLimits, error) {
	daily, dailyErr := usd(path+".dailyUSD", dailyUSD)
	monthly, monthlyErr := usd(path+".monthlyUSD", monthlyUSD)
	return config.BudgetLimits{DailyTokens: ptr.Deref(dailyTokens, 0), DailyUSD: daily, MonthlyUSD: monthly}, errors.Join(dailyErr, monthlyErr)
}

// usd parses an amount; 0 for none.
func usd(path string, amount v1alpha1.USD) (float64, error) {
	if amount == "" {
		return 0, nil
	}
	parsed, err := strconv.ParseFloat(string(amount), 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %q is not an amount such as 25.50", path, string(amount))
	}
	return parsed, nil
}
