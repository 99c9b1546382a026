package telemetry

import (
	"context"
	"crypto/rand"
	"maps"
	"net/http"
	"slices"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

var traceContext propagation.TraceContext

// ContinueTrace is ctx in the trace that the headers name (traceparent and tracestate), or in a new one when they name
// none or a broken one. Each call is a span of its own.
func ContinueTrace(ctx context.Context, headers http.Header) context.Context {
	ctx = traceContext.Extract(ctx, carrier(headers))
	span := trace.SpanContextFromContext(ctx).WithRemote(false)
	if !span.IsValid() {
		var id trace.TraceID
		_, _ = rand.Read(id[:]) // never fails: it ends the process rather than return an error
		span = trace.NewSpanContext(trace.SpanContextConfig{TraceID: id})
	}
	var id trace.SpanID
	_, _ = rand.Read(id[:])
	return trace.ContextWithSpanContext(ctx, span.WithSpanID(id))
}

// InjectTrace writes the trace of ctx into headers: those of an answer, or of a request to another server.
func InjectTrace(ctx context.Context, headers http.Header) {
	traceContext.Inject(ctx, carrier(headers))
}

// carrier is headers by the names of W3C, which are in lower case: http.Header would make its own out of them each time.
type carrier http.Header

var headerNames = map[string]string{"traceparent": "Traceparent", "tracestate": "Tracestate"}

// Get implements propagation.TextMapCarrier.
func (c carrier) Get(name string) string {
	if values := c[headerNames[name]]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// Set implements propagation.TextMapCarrier.
func (c carrier) Set(name, value string) { c[headerNames[name]] = []string{value} }

// Keys implements propagation.TextMapCarrier.
func (c carrier) Keys() []string { return slices.Collect(maps.Keys(c)) }

// TraceID is the trace of ctx in 32 hexadecimal characters, empty when it has none.
func TraceID(ctx context.Context) string {
	if id := trace.SpanContextFromContext(ctx).TraceID(); id.IsValid() {
		return id.String()
	}
	return ""
}
