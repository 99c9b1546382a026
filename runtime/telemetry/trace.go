package telemetry

import (
	"context"
	"crypto/rand"
	"net/http"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

var traceContext propagation.TraceContext

// ContinueTrace is ctx in the trace that the headers name (traceparent and tracestate), or in a new one when they name
// none or a broken one. Each call is a span of its own.
func ContinueTrace(ctx context.Context, headers http.Header) context.Context {
	ctx = traceContext.Extract(ctx, propagation.HeaderCarrier(headers))
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
	traceContext.Inject(ctx, propagation.HeaderCarrier(headers))
}

// TraceID is the trace of ctx in 32 hexadecimal characters, empty when it has none.
func TraceID(ctx context.Context) string {
	if id := trace.SpanContextFromContext(ctx).TraceID(); id.IsValid() {
		return id.String()
	}
	return ""
}
