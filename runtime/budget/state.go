package budget

import (
	"context"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

// Window is how far a budget is taken.
type Window struct {
	// Budget is one of Names; Label and Window are what metrics call it.
	Budget, Label, Window string
	// Used and Limit are in tokens or US dollars; answers that are being written are not in Used.
	Used, Limit float64
	ResetsAt    time.Time
	// Exceeded says that the limit is reached, or that a call was refused since nothing that it needs is left.
	Exceeded bool
}

// Service is how far the budgets of the service are taken, by what this server knows.
func (b *Budget) Service() []Window {
	set := b.options.Config().Budgets
	return b.windows(set, bound{service, limitsOf(set.Service)})
}

// Tenant is how far those of a tenant are taken. Redis is asked, if it can be.
func (b *Budget) Tenant(ctx context.Context, tenant string) []Window {
	set := b.options.Config().Budgets
	if set.Tenant == (config.BudgetLimits{}) {
		return []Window{}
	}
	of := []bound{{tenantScope(tenant), limitsOf(set.Tenant)}}
	if b.options.Redis != nil {
		if _, answers, err := b.run(ctx, operation{name: opRead, entries: b.entries(set, of, amounts{})}); err == nil {
			b.learn(of, answers)
		}
	}
	return b.windows(set, of[0])
}

func (b *Budget) windows(set config.Budgets, of bound) []Window {
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.accounts.at(of.scope, b.ids(set))
	windows := []Window{}
	for i, limit := range of.limits {
		if limit == 0 {
			continue
		}
		windows = append(windows, Window{
			Budget: names[i], Label: labels[i].budget, Window: labels[i].window,
			Used: value(i, a.taken(i)), Limit: value(i, limit),
			ResetsAt: windowOf[i].end(a.windows[windowOf[i]], set.Location()),
			Exceeded: a.taken(i) >= limit || a.refused[i] == limit,
		})
	}
	return windows
}
