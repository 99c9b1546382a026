package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// totals are what minutes have counted since the start, for Prometheus: whoever judges an alert by rules counts as the operator does. Each
// series is there from the start, since a counter that appears with its first count has no increase.
type totals struct {
	Minute
	// diskAt is the minute of DiskPercent.
	diskAt  int64
	answers *prometheus.HistogramVec
}

var (
	requestsTotal = prometheus.NewDesc("ragservice_requests_total",
		"Requests of known callers, and others that failed for a reason of the service; outcome failed is a 5xx or an error event.",
		[]string{"outcome"}, nil)
	modelRequestsTotal = prometheus.NewDesc("ragservice_llm_requests_total",
		"Requests to the language model; one that it refused was answered.", []string{"outcome"}, nil)
	diskUsedRatio = prometheus.NewDesc("ragservice_opensearch_disk_used_ratio",
		"How full the fullest disk of the search engine is; absent when it was not asked for 5 minutes.", nil, nil)
)

// newTotals has a series for each endpoint that answers from the start. Its histogram is no native one: a Prometheus that takes those
// drops the classic buckets, by whose bounds the operator and the rules judge.
func newTotals() totals {
	answers := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "ragservice_answer_duration_seconds", Help: "Time of an answer without that of the model.", Buckets: LatencyBounds[:],
	}, []string{"endpoint"})
	for _, endpoint := range []string{"search", "ask", "stream"} {
		answers.WithLabelValues(endpoint)
	}
	return totals{answers: answers}
}

// Describe is of prometheus.Collector.
func (t *Traffic) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{requestsTotal, modelRequestsTotal, diskUsedRatio} {
		to <- desc
	}
	t.totals.answers.Describe(to)
}

// Collect is of prometheus.Collector.
func (t *Traffic) Collect(to chan<- prometheus.Metric) {
	t.mu.Lock()
	sum, disk := t.totals.Minute, t.totals.diskAt > t.minute()-int64(Window/time.Minute)
	t.mu.Unlock()
	count := func(desc *prometheus.Desc, n int64, outcome string) {
		to <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n), outcome)
	}
	count(requestsTotal, sum.Requests-sum.Errors, "ok")
	count(requestsTotal, sum.Errors, "failed")
	count(modelRequestsTotal, sum.ModelCalls-sum.ModelFailures, "answered")
	count(modelRequestsTotal, sum.ModelFailures, "failed")
	if disk {
		to <- prometheus.MustNewConstMetric(diskUsedRatio, prometheus.GaugeValue, float64(sum.DiskPercent)/100)
	}
	t.totals.answers.Collect(to)
}

// Traffic exposes what the alerts are judged by. Call it once.
func (m *Metrics) Traffic(t *Traffic) {
	for _, kind := range []string{KindSearch, KindLLM} {
		m.results.WithLabelValues(kind, "HIT")
		m.results.WithLabelValues(kind, "MISS")
	}
	m.registry.MustRegister(t)
}
