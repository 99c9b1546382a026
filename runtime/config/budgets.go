package config

import (
	"math"
	"sync"
	"time"
	_ "time/tzdata" // the images of the server and of the operator have no time zones
)

// Bounds of budgets: sums stay whole numbers in the scripts of Redis, which count in floats of 53 bits.
const (
	// MaxBudgetTokens is the largest daily budget of tokens.
	MaxBudgetTokens = 1_000_000_000_000
	// MaxBudgetUSD is the largest budget in US dollars.
	MaxBudgetUSD = 999_999.99
)

// Budgets are what models may take in a day and in a month.
type Budgets struct {
	// Service bounds all callers together, Tenant those of each tenant.
	Service BudgetLimits `json:"service,omitzero"`
	Tenant  BudgetLimits `json:"tenant,omitzero"`
	// TimeZone is the IANA name of the zone in which days and months begin; empty for UTC.
	TimeZone string `json:"timeZone,omitempty"`
	// OnExceeded is what becomes of a question for which there is no room; empty for BudgetDeny.
	OnExceeded BudgetAction `json:"onExceeded,omitempty"`
}

// BudgetLimits are the limits of calendar windows; 0 for none.
type BudgetLimits struct {
	DailyTokens int64   `json:"dailyTokens,omitempty"`
	DailyUSD    float64 `json:"dailyUSD,omitempty"`
	MonthlyUSD  float64 `json:"monthlyUSD,omitempty"`
}

// BudgetAction is what becomes of a question for which a budget has no room.
type BudgetAction string

// Values of BudgetAction.
const (
	BudgetDeny  BudgetAction = "Deny"
	BudgetAlert BudgetAction = "Alert"
)

// Any says whether anything is bounded.
func (b Budgets) Any() bool { return b.Service != BudgetLimits{} || b.Tenant != BudgetLimits{} }

// Location is the zone of TimeZone. Validate has checked it.
func (b Budgets) Location() *time.Location {
	if b.TimeZone == "" {
		return time.UTC
	}
	known, _ := zones.Load(b.TimeZone)
	if zone, ok := known.(*time.Location); ok {
		return zone
	}
	zone, err := time.LoadLocation(b.TimeZone)
	if err != nil {
		return time.UTC
	}
	zones.Store(b.TimeZone, zone)
	return zone
}

// zones are those that were loaded, by name: to load one reads and parses its file. Names are of configurations alone.
var zones sync.Map

func (b Budgets) validate(p *problems) {
	b.Service.validate(p, "budgets.service")
	b.Tenant.validate(p, "budgets.tenant")
	_, err := time.LoadLocation(b.TimeZone)
	p.need(err == nil && b.TimeZone != "Local", "budgets.timeZone", "must be an IANA name such as Europe/Berlin")
	p.need(b.OnExceeded == "" || b.OnExceeded == BudgetDeny || b.OnExceeded == BudgetAlert, "budgets.onExceeded", "must be Deny or Alert")
}

func (l BudgetLimits) validate(p *problems, path string) {
	p.need(l.DailyTokens >= 0 && l.DailyTokens <= MaxBudgetTokens, path+".dailyTokens", "must be from 0 to %d", int64(MaxBudgetTokens))
	usd := func(v float64) bool { return !math.IsNaN(v) && v >= 0 && v <= MaxBudgetUSD }
	p.need(usd(l.DailyUSD), path+".dailyUSD", "must be from 0 to %.2f", MaxBudgetUSD)
	p.need(usd(l.MonthlyUSD), path+".monthlyUSD", "must be from 0 to %.2f", MaxBudgetUSD)
}
