package tracing

import (
	"context"
	"sync/atomic"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// queue holds spans until they were sent. It is the SDK's batch processor with the bound before it, since that does not tell what it drops: of
// maxWaiting spans that the processor has room for each has its place until its batch was sent.
type queue struct {
	sdktrace.SpanProcessor
	options Options
	waiting atomic.Int64
	next    sdktrace.SpanExporter
	// failing says that the last batch was not taken; only the processor's own goroutine sends.
	failing atomic.Bool
	// abandoned says that what waited at the end was counted.
	abandoned atomic.Bool
}

func newQueue(next sdktrace.SpanExporter, o Options) *queue {
	q := &queue{options: o, next: next}
	q.SpanProcessor = sdktrace.NewBatchSpanProcessor(counted{q},
		sdktrace.WithMaxQueueSize(maxWaiting), sdktrace.WithMaxExportBatchSize(maxBatch),
		sdktrace.WithBatchTimeout(batchEvery), sdktrace.WithExportTimeout(sendTimeout))
	return q
}

// OnEnd takes a span, or drops it when the queue is full. It waits for nothing.
func (q *queue) OnEnd(span sdktrace.ReadOnlySpan) {
	if q.waiting.Add(1) > maxWaiting {
		q.waiting.Add(-1)
		q.options.OnSpans(OutcomeDropped, 1)
		return
	}
	q.SpanProcessor.OnEnd(span)
}

// abandon counts what could not be sent before the server's end.
func (q *queue) abandon() {
	q.abandoned.Store(true)
	if left := q.waiting.Swap(0); left > 0 {
		q.options.OnSpans(OutcomeFailed, int(left))
	}
}

// counted is the exporter of a queue, which tells what becomes of each batch.
type counted struct{ *queue }

// ExportSpans implements sdktrace.SpanExporter.
func (c counted) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := c.next.ExportSpans(ctx, spans)
	if c.abandoned.Load() {
		return nil
	}
	c.waiting.Add(-int64(len(spans)))
	if err != nil {
		c.options.OnSpans(OutcomeFailed, len(spans))
		if !c.failing.Swap(true) {
			c.options.OnHealth(why(err))
		}
		return nil // it was told
	}
	c.options.OnSpans(OutcomeExported, len(spans))
	if c.failing.Swap(false) {
		c.options.OnHealth("")
	}
	return nil
}

// Shutdown implements sdktrace.SpanExporter.
func (c counted) Shutdown(ctx context.Context) error { return c.next.Shutdown(ctx) }
