package observe

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var asks = newAsks()

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
