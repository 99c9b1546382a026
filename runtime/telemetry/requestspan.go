package telemetry

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// StartRequest is ctx in the span of a request: one that tracer samples and tells of, or with a nil tracer that of ContinueTrace. The span
// that it returns is to be ended when the request was answered.
func StartRequest(ctx context.Context, r *http.Request, tracer trace.Tracer) (context.Context, Span) {
	if tracer == nil {
		return ContinueTrace(ctx, r.Header), Span{}
	}
	ctx, span := tracer.Start(traceContext.Extract(ctx, carrier(r.Header)), knownMethod(r.Method), trace.WithSpanKind(trace.SpanKindServer))
	if !span.IsRecording() {
		return ctx, Span{}
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	span.SetAttributes(attributeMethod.String(knownMethod(r.Method)), attributeScheme.String(scheme),
		attributeVersion.String(strings.TrimPrefix(r.Proto, "HTTP/")))
	return ctx, Span{span}
}

// Answer is how a request ended.
type Answer struct {
	// Route is the pattern of the route that matched; empty when none did.
	Route  string
	Status int
	// Code is that of the error that the request ended in; Failed says that it is the service's.
	Code   string
	Failed bool
	// CacheKind and CacheOutcome are how the cache served it; empty without a cache.
	CacheKind, CacheOutcome string
	// Tier is the caller's.
	Tier string
}

// Answered names the span of a request and notes how that ended. The path is told where it is the route: another may hold the id of a
// document, or whatever a caller has sent that no route has.
func (s Span) Answered(r *http.Request, a Answer) {
	if s.span == nil {
		return
	}
	if a.Route != "" {
		s.span.SetName(knownMethod(r.Method) + " " + a.Route)
	}
	if r.URL.Path == a.Route {
		s.String(attributePath, a.Route)
	}
	s.String(attributeRoute, a.Route)
	s.Int(attributeStatus, a.Status)
	s.String(AttributeTier, a.Tier)
	s.String(AttributeCode, a.Code)
	s.String(AttributeCacheKind, a.CacheKind)
	s.String(AttributeCacheOutcome, a.CacheOutcome)
	switch {
	case !a.Failed && a.Status < http.StatusInternalServerError:
	case a.Code != "":
		s.Fail(a.Code)
	default:
		s.Fail(strconv.Itoa(a.Status))
	}
}
