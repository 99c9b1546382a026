package telemetry_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// stages are the spans of a cached answer, as the server makes them.
func stages(ctx context.Context, r *http.Request) {
	for _, name := range []string{
		telemetry.SpanIdentify, telemetry.SpanAdmit, telemetry.SpanCacheSearch, telemetry.SpanLimit, telemetry.SpanCacheLLM,
	} {
		_, span := telemetry.StartSpan(ctx, name)
		span.String(telemetry.AttributeTier, "free")
		span.Int(telemetry.AttributeHits, 3)
		span.Bool(telemetry.AttributeDegraded, false)
		span.Fail("")
		span.End()
	}
	_, call := telemetry.ClientSpan(ctx, telemetry.SystemRedis, "take")
	call.Fail("timeout")
	call.End()
	_, chat := telemetry.ChatSpan(ctx, telemetry.Chat{Model: "m", BaseURL: "http://m/v1"})
	chat.Written("m", "stop", 1, 2)
	chat.End()
	telemetry.RequestSpan(ctx).Answered(r, telemetry.Answer{Route: "/api/v1/ask", Status: http.StatusOK, CacheKind: "llm", CacheOutcome: "HIT"})
}

// requests are those that come with a trace, and without one.
func requests() map[string]*http.Request {
	without := httptest.NewRequest(http.MethodPost, "/api/v1/ask", nil)
	with := httptest.NewRequest(http.MethodPost, "/api/v1/ask", nil)
	with.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	return map[string]*http.Request{"without a trace": without, "with a trace": with}
}

// TestTracesThatAreOffTakeNoMemory: what a request takes without a tracer is what the trace of its answer takes, whatever its stages.
func TestTracesThatAreOffTakeNoMemory(t *testing.T) {
	for name, r := range requests() {
		before := testing.AllocsPerRun(100, func() { telemetry.ContinueTrace(context.Background(), r.Header) })
		off := testing.AllocsPerRun(100, func() {
			ctx, span := telemetry.StartRequest(context.Background(), r, nil)
			stages(ctx, r)
			span.End()
		})
		if off != before {
			t.Errorf("a request %s allocates %v times, without spans %v", name, off, before)
		}
	}
}

// TestServerOfACall: host and port are apart, as OpenTelemetry has them.
func TestServerOfACall(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	for address, want := range map[string]string{
		"redis:6379": "redis 6379", "[2001:db8::1]:6379": "2001:db8::1 6379", "http://model:8000/v1": "model 8000", "https://api.example.com/v1": "api.example.com",
		"": "",
	} {
		ctx, root := provider.Tracer("test").Start(context.Background(), "request")
		_, span := telemetry.ClientSpan(ctx, telemetry.SystemRedis, "take")
		span.Server(address)
		span.End()
		root.End()
		var got []string
		for _, a := range recorder.Ended()[len(recorder.Ended())-2].Attributes() {
			if strings.HasPrefix(string(a.Key), "server.") {
				got = append(got, a.Value.String())
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}

// BenchmarkSpans compares, for the spans of one request: none (before), those of a server without traces (off), of one that does not sample the
// request, and of one that does, without the sending (on).
func BenchmarkSpans(b *testing.B) {
	r := requests()["without a trace"]
	tracer := func(share float64) trace.Tracer {
		return sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.TraceIDRatioBased(share))).Tracer("bench")
	}
	b.Run("before", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			telemetry.ContinueTrace(context.Background(), r.Header)
		}
	})
	for _, bm := range []struct {
		name   string
		tracer trace.Tracer
	}{{"off", nil}, {"unsampled", tracer(0)}, {"on", tracer(1)}} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ctx, span := telemetry.StartRequest(context.Background(), r, bm.tracer)
				stages(ctx, r)
				span.End()
			}
		})
	}
}
