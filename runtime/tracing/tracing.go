package tracing

import (
	"context"
	"crypto/x509"
	"fmt"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

const (
	// maxWaiting is how many spans wait for the collector, at most: some 2 kB each, of about 200 requests a second in the time that one batch
	// takes at most.
	maxWaiting = 4096
	// maxBatch is how many spans are sent at once, after batchEvery at most.
	maxBatch   = 512
	batchEvery = time.Second
	// sendTimeout bounds sending a batch, with its repetitions.
	sendTimeout = 5 * time.Second
	// flushTimeout bounds sending what waits when the server ends.
	flushTimeout = 2 * time.Second
)

// Options are what a Tracing needs.
type Options struct {
	// Settings say where to, when New is called; how many requests are sampled they are asked for each.
	Settings func() config.Tracing
	// Headers are sent with each batch; nil for none.
	Headers map[string]string
	// Roots sign the certificate of an endpoint of https; nil for the system's.
	Roots *x509.CertPool
	// Service, Version and Replica name this server.
	Service          config.Service
	Version, Replica string
	// OnSpans is told what became of spans: OutcomeExported, OutcomeFailed or OutcomeDropped. It must return soon.
	OnSpans func(outcome string, n int)
	// OnHealth is told when the first batch in a row cannot be sent, with a word of why, and with an empty one when a batch can be again.
	OnHealth func(why string)
}

// What becomes of a span.
const (
	// OutcomeExported has been taken by the collector.
	OutcomeExported = "exported"
	// OutcomeFailed was not taken in time.
	OutcomeFailed = "failed"
	// OutcomeDropped found the queue full.
	OutcomeDropped = "dropped"
)

// Tracing samples requests and sends their spans.
type Tracing struct {
	provider *sdktrace.TracerProvider
	queue    *queue
}

// New returns a Tracing. It waits for no collector. Close ends it.
func New(ctx context.Context, o Options) (*Tracing, error) {
	quiet()
	exporter, err := newExporter(ctx, o.Settings(), o.Headers, o.Roots)
	if err != nil {
		return nil, fmt.Errorf("spec.monitoring.tracing: %w", err)
	}
	of, err := resource.New(ctx,
		resource.WithSchemaURL(semconv.SchemaURL),
		resource.WithAttributes(
			semconv.ServiceNamespace(o.Service.Namespace), semconv.ServiceName(o.Service.Name),
			semconv.ServiceVersion(o.Version), semconv.ServiceInstanceID(o.Replica),
		))
	if err != nil {
		return nil, fmt.Errorf("name the server in traces: %w", err)
	}
	q := newQueue(exporter, o)
	return &Tracing{queue: q, provider: sdktrace.NewTracerProvider(
		sdktrace.WithResource(of),
		sdktrace.WithSampler(newSampler(func() int { return o.Settings().SamplingPercent })),
		sdktrace.WithSpanProcessor(q),
	)}, nil
}

// quiet keeps the SDK from writing lines of its own to stderr, where the log is JSON; what they say reaches OnHealth.
func quiet() { otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {})) }

// Tracer makes the spans of requests.
func (t *Tracing) Tracer() trace.Tracer {
	return t.provider.Tracer("github.com/ragservice/ragservice-operator/runtime/tracing")
}

// Close sends what waits, for flushTimeout at most. What is left then is counted as failed: it is no fault of the server's end.
func (t *Tracing) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	if t.provider.Shutdown(ctx) != nil {
		t.queue.abandon()
	}
	return nil
}
