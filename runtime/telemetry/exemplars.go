package telemetry

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
)

func newSpansCounter() *prometheus.CounterVec {
	return counter("ragservice_trace_spans_total", "Spans of sampled requests, by whether the endpoint of traces has them.", "outcome")
}

// Spans counts spans: outcome is exported, failed or dropped.
func (m *Metrics) Spans(outcome string, n int) { m.spans.WithLabelValues(outcome).Add(float64(n)) }

// observe measures a time, with the trace of ctx as its exemplar where that is sent to a collector.
func observe(ctx context.Context, to prometheus.Observer, took time.Duration) {
	span := trace.SpanFromContext(ctx)
	exemplars, ok := to.(prometheus.ExemplarObserver)
	if !ok || !span.IsRecording() {
		to.Observe(took.Seconds())
		return
	}
	of := span.SpanContext()
	exemplars.ObserveWithExemplar(took.Seconds(), prometheus.Labels{"trace_id": of.TraceID().String(), "span_id": of.SpanID().String()})
}
