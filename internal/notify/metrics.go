package notify

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var notifications = newNotifications()

// newNotifications registers the counter with every outcome in it, so that a rate has a zero to rise from.
func newNotifications() *prometheus.CounterVec {
	counter := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "ragservice_operator_alert_notifications_total",
		Help: "Attempts to tell spec.alerts.receivers.webhook of alerts, by outcome.",
	}, []string{"outcome"})
	metrics.Registry.MustRegister(counter)
	for _, how := range outcomes {
		counter.WithLabelValues(string(how))
	}
	return counter
}

func count(how outcome) { notifications.WithLabelValues(string(how)).Inc() }
