package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Dependency is what is known of something outside that a server needs, at the moment.
type Dependency struct {
	// Breaker is closed, open or half_open.
	Breaker string
	// Waiting is how many calls wait for their turn.
	Waiting int
}

// breakerStates are the values of Dependency.Breaker.
var breakerStates = []string{"closed", "half_open", "open"}

// Dependency has a function asked for one at each scrape. Call it once for each name, before the first scrape.
func (m *Metrics) Dependency(name string, look func() Dependency) {
	m.dependencies.looks[name] = look
}

// RequestsWaiting has a function asked how many requests wait for their turn. Call it once.
func (m *Metrics) RequestsWaiting(waiting func() int) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "ragservice_requests_waiting", Help: "Requests that wait for their turn, since the server works on as many as it may.",
	}, func() float64 { return float64(waiting()) }))
}

// dependencies reads what is known of each when it is scraped.
type dependencies struct {
	looks map[string]func() Dependency
}

var (
	breakerDesc = prometheus.NewDesc("ragservice_breaker_state",
		"1 for the state that the circuit breaker of a dependency is in.", []string{"dependency", "state"}, nil)
	waitingDesc = prometheus.NewDesc("ragservice_dependency_calls_waiting",
		"Calls that wait for their turn at a dependency.", []string{"dependency"}, nil)
)

// Describe implements prometheus.Collector.
func (d *dependencies) Describe(to chan<- *prometheus.Desc) {
	to <- breakerDesc
	to <- waitingDesc
}

// Collect implements prometheus.Collector.
func (d *dependencies) Collect(to chan<- prometheus.Metric) {
	for name, look := range d.looks {
		now := look()
		for _, state := range breakerStates {
			is := 0.0
			if state == now.Breaker {
				is = 1
			}
			to <- prometheus.MustNewConstMetric(breakerDesc, prometheus.GaugeValue, is, name, state)
		}
		to <- prometheus.MustNewConstMetric(waitingDesc, prometheus.GaugeValue, float64(now.Waiting), name)
	}
}
