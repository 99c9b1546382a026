// Package telemetry is what a server measures: metrics for Prometheus, the traffic of the last minutes for the operator
// and for GET stats, and W3C trace context. It keeps numbers and words from fixed lists, never text from outside.
package telemetry
