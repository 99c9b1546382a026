package telemetry

import "github.com/prometheus/client_golang/prometheus"

// Registry is where the metrics are.
func (m *Metrics) Registry() *prometheus.Registry { return m.registry }
