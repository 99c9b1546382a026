package telemetry

import "github.com/prometheus/client_golang/prometheus"

// budgetMetrics are those of what models cost.
type budgetMetrics struct {
	cost     *prometheus.CounterVec
	exceeded *prometheus.CounterVec
}

func newBudgetMetrics(r prometheus.Registerer) budgetMetrics {
	m := budgetMetrics{
		cost: counter("ragservice_llm_cost_usd_total", "What requests to language models cost, in US dollars, as budgets count it.",
			genAIModel),
		exceeded: counter("ragservice_budget_exceeded_total", "Questions for which a budget had no room, by whether they were denied or only told.",
			"budget", "window", "scope", "action"),
	}
	r.MustRegister(m.cost, m.exceeded)
	return m
}

// ModelCost counts what a request to a model cost; model is one of the configuration.
func (m *Metrics) ModelCost(model string, usd float64) { m.budget.cost.WithLabelValues(model).Add(usd) }

// BudgetExceeded counts a question for which a budget had no room: tokens or usd, of a day or month, of the service or a tenant.
func (m *Metrics) BudgetExceeded(budget, window, scope, action string) {
	m.budget.exceeded.WithLabelValues(budget, window, scope, action).Inc()
}

// HasModel begins the counters of a model of the configuration at 0: one that appears with its first count has no increase. Costs are those of
// a model with a price.
func (m *Metrics) HasModel(model string, priced bool) {
	m.savedTokens.WithLabelValues(model, "input")
	m.savedTokens.WithLabelValues(model, "output")
	if priced {
		m.savedCost.WithLabelValues(model)
		m.budget.cost.WithLabelValues(model)
	}
}

// HasBudget begins the counter of a budget that is set at 0, with the values that BudgetExceeded takes.
func (m *Metrics) HasBudget(budget, window, scope, action string) {
	m.budget.exceeded.WithLabelValues(budget, window, scope, action)
}

// BudgetRatio is the part of a budget of the service that is taken.
type BudgetRatio struct {
	Budget, Window string
	Used           float64
}

// Budgets has a function asked for the budgets of the service at each scrape. Call it once.
func (m *Metrics) Budgets(ratios func() []BudgetRatio) {
	m.registry.MustRegister(budgetCollector{ratios})
}

var budgetUsed = prometheus.NewDesc("ragservice_budget_used_ratio", "The part of a budget of the service that is taken in its window, from 0 to 1.",
	[]string{"budget", "window"}, nil)

type budgetCollector struct{ ratios func() []BudgetRatio }

// Describe implements prometheus.Collector.
func (budgetCollector) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- budgetUsed }

// Collect implements prometheus.Collector.
func (c budgetCollector) Collect(metrics chan<- prometheus.Metric) {
	for _, r := range c.ratios() {
		metrics <- prometheus.MustNewConstMetric(budgetUsed, prometheus.GaugeValue, r.Used, r.Budget, r.Window)
	}
}

// BudgetState is how far a budget of the service is taken, for the operator.
type BudgetState struct {
	// Budget is dailyTokens, dailyUSD or monthlyUSD; Used and Limit are in its unit.
	Budget string  `json:"budget"`
	Used   float64 `json:"used"`
	Limit  float64 `json:"limit"`
	// Exceeded says that there was no room for a question.
	Exceeded bool `json:"exceeded,omitempty"`
	// ResetsAt is the end of the window, in seconds since 1970.
	ResetsAt int64 `json:"resetsAt"`
}
