package observe

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var asks = prometheus.NewCounterVec(prometheus.CounterOpts{
	Name: "ragservice_operator_server_polls_total",
	Help: "Questions to servers for their state, by outcome.",
}, []string{"outcome"})

func init() {
	metrics.Registry.MustRegister(asks)
	for _, how := range outcomes {
		asks.WithLabelValues(string(how)) // present from the start, so that a rate has a zero to rise from
	}
}

func countAsk(how outcome) { asks.WithLabelValues(string(how)).Inc() }
