package logging

import (
	"strconv"
	"time"
)

// BudgetExceeded is the first question of a window for which a budget had no room, as far as this server knows; metrics count all. Action says
// whether they are denied (Deny) or only told (Alert).
type BudgetExceeded struct {
	// Budget is dailyTokens, dailyUSD or monthlyUSD, of Scope service or tenant.
	Budget, Scope, Tenant string
	// Limit is in tokens or US dollars.
	Limit    float64
	Action   string
	ResetsAt time.Time
}

func (e BudgetExceeded) describe(l *line) {
	l.is("budget_exceeded", LevelWarning)
	l.string("budget", e.Budget)
	l.string("budget_scope", e.Scope)
	l.string("tenant", e.Tenant)
	if e.Limit > 0 {
		l.string("budget_limit", strconv.FormatFloat(e.Limit, 'f', -1, 64))
	}
	l.string("action", e.Action)
	if !e.ResetsAt.IsZero() {
		l.string("resets_at", e.ResetsAt.UTC().Format(time.RFC3339))
	}
}
