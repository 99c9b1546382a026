package observe

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var (
	asks       = newAsks()
	lastAnswer = newLastAnswer()
)

func newLastAnswer() *prometheus.GaugeVec {
	gauge := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "ragservice_operator_last_poll_timestamp_seconds",
		Help: "When a ready server of a RAGService last answered, in seconds since 1970.",
	}, []string{"namespace", "name"})
	metrics.Registry.MustRegister(gauge)
	return gauge
}

// newAsks registers the counter with every outcome in it, so that a rate has a zero to rise from.
func newAsks() *prometheus.CounterVec {
	counter := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ragservice_operator_server_polls_total",
		Help: "Questions to servers for their state, by outcome.",
	}, []string{"outcome"})
	metrics.Registry.MustRegister(counter)
	for _, how := range outcomes {
		counter.WithLabelValues(string(how))
	}
	return counter
}

func countAsk(how outcome) { asks.WithLabelValues(string(how)).Inc() }
