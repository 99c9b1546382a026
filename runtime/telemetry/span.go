package telemetry

import (
	"context"
	"net"
	"net/url"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Span is a stage of a request that is traced. That of a request which is not traced is the zero value; it does nothing, and takes no memory.
type Span struct{ span trace.Span }

// StartSpan begins a stage of the request of ctx. The context that it returns is for what the stage does.
func StartSpan(ctx context.Context, name string) (context.Context, Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, Span{}
	}
	ctx, span := parent.TracerProvider().Tracer(spanScope).Start(ctx, name)
	return ctx, Span{span}
}

// ClientSpan begins a call to a store.
func ClientSpan(ctx context.Context, system, operation string) (context.Context, Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, Span{}
	}
	ctx, span := parent.TracerProvider().Tracer(spanScope).Start(ctx, system+" "+operation, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attributeSystem.String(system), attributeOperation.String(operation)))
	return ctx, Span{span}
}

// Chat is what a model is asked with.
type Chat struct {
	Model, BaseURL string
	Temperature    float64
	MaxTokens      int
}

// ChatSpan begins a request to a model.
func ChatSpan(ctx context.Context, c Chat) (context.Context, Span) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, Span{}
	}
	ctx, span := parent.TracerProvider().Tracer(spanScope).Start(ctx, operationChat+" "+c.Model, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(
			attributeGenAIOperation.String(operationChat), attributeGenAIProvider.String(providerOpenAI),
			attributeGenAIModel.String(c.Model),
			attributeGenAITemperature.Float64(c.Temperature), attributeGenAIMaxTokens.Int(c.MaxTokens),
		))
	made := Span{span}
	made.Server(c.BaseURL)
	return ctx, made
}

// Server notes where a call goes: host:port, or a URL.
func (s Span) Server(address string) {
	if s.span == nil {
		return
	}
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		address = u.Host
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		s.String(attributeHost, address)
		return
	}
	s.String(attributeHost, host)
	if number, err := strconv.Atoi(port); err == nil {
		s.Int(attributePort, number)
	}
}

// Written notes what a model has answered.
func (s Span) Written(model, finishReason string, inputTokens, outputTokens int) {
	if s.span == nil {
		return
	}
	s.span.SetAttributes(attributeGenAIAnswered.String(model), attributeGenAIFinish.StringSlice([]string{finishReason}),
		attributeGenAIInput.Int(inputTokens), attributeGenAIOutput.Int(outputTokens))
}

// RequestSpan is that of the request of ctx, to which its attributes go.
func RequestSpan(ctx context.Context) Span {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		return Span{span}
	}
	return Span{}
}

// String notes an attribute; one that is empty is left out.
func (s Span) String(key attribute.Key, value string) {
	if s.span != nil && value != "" {
		s.span.SetAttributes(key.String(value))
	}
}

// Int notes an attribute.
func (s Span) Int(key attribute.Key, value int) {
	if s.span != nil {
		s.span.SetAttributes(key.Int(value))
	}
}

// Bool notes an attribute.
func (s Span) Bool(key attribute.Key, value bool) {
	if s.span != nil {
		s.span.SetAttributes(key.Bool(value))
	}
}

// Fail notes that the stage ended in an error, by a word of a fixed list; an empty one is no error.
func (s Span) Fail(code string) {
	if s.span == nil || code == "" {
		return
	}
	s.span.SetAttributes(attributeError.String(code))
	s.span.SetStatus(codes.Error, "")
}

// End ends the stage.
func (s Span) End() {
	if s.span != nil {
		s.span.End()
	}
}
