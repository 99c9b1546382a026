// Package tracing sends the spans of sampled requests to an OpenTelemetry Collector, by OTLP. It never slows a request: what does not fit into
// its queue is dropped and counted, and so is what the collector does not take in time. Spans themselves are package telemetry's.
package tracing
