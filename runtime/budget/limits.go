package budget

import (
	"math"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// Counters of an account, in this order everywhere.
const (
	dailyTokens = iota
	dailyUSD
	monthlyUSD
	counters
)

// amounts are one number for each counter: tokens, then billionths of a dollar.
type amounts [counters]int64

// windowOf is the window that each counter is of.
var windowOf = [counters]window{day, day, month}

// Names of the counters as the API has them, and as the labels of metrics.
var (
	names  = [counters]string{"dailyTokens", "dailyUSD", "monthlyUSD"}
	labels = [counters]struct{ budget, window string }{{"tokens", "day"}, {"usd", "day"}, {"usd", "month"}}
)

// Names are the budgets that there are.
func Names() []string { return names[:] }

func amountsOf(c rag.Cost) amounts {
	return amounts{max(0, c.Tokens), max(0, c.NanoUSD), max(0, c.NanoUSD)}
}

// limitsOf are the limits in the units of the counters; 0 for none.
func limitsOf(l config.BudgetLimits) amounts {
	nano := func(usd float64) int64 { return int64(math.Round(usd * rag.NanoUSDPerUSD)) }
	return amounts{l.DailyTokens, nano(l.DailyUSD), nano(l.MonthlyUSD)}
}

// value is an amount in tokens or dollars.
func value(counter int, amount int64) float64 {
	if counter == dailyTokens {
		return float64(amount)
	}
	return float64(amount) / rag.NanoUSDPerUSD
}

// service is the scope of all callers together. Tenants have theirs behind a prefix, so that none is called so.
const service = "service"

func tenantScope(tenant string) string { return "tenant:" + tenant }

// bound is a scope and what may be taken of it.
type bound struct {
	scope  string
	limits amounts
}

// Set is a budget that is set, as metrics call it; OfTenants says that each tenant has it, else the service.
type Set struct {
	Label, Window string
	OfTenants     bool
}

// SetOf are the budgets that are set.
func SetOf(b config.Budgets) (all []Set) {
	for i := range counters {
		if limitsOf(b.Service)[i] > 0 {
			all = append(all, Set{Label: labels[i].budget, Window: labels[i].window})
		}
		if limitsOf(b.Tenant)[i] > 0 {
			all = append(all, Set{Label: labels[i].budget, Window: labels[i].window, OfTenants: true})
		}
	}
	return all
}

// firstLimit is the first counter that has a limit, and its bound. One has.
func firstLimit(bounds []bound) (bound, int) {
	for _, of := range bounds {
		for i, limit := range of.limits {
			if limit > 0 {
				return of, i
			}
		}
	}
	return bounds[0], 0
}

// boundsOf are those of a tenant's call. What the service takes is counted as soon as anything is bounded.
func boundsOf(set config.Budgets, tenant string) []bound {
	bounds := []bound{{service, limitsOf(set.Service)}}
	if set.Tenant != (config.BudgetLimits{}) {
		bounds = append(bounds, bound{tenantScope(tenant), limitsOf(set.Tenant)})
	}
	return bounds
}
