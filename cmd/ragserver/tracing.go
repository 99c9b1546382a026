package main

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/trace"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/tracing"
)

// openTracing makes what samples requests; nil where the configuration wants no traces. Where spans go, and with which headers, is that of
// the start; how many requests are sampled is asked for each.
func (srv *server) openTracing(s setup, getenv func(string) string) (trace.Tracer, error) {
	start := s.source.Config().Tracing
	if start == nil {
		return nil, nil //nolint:nilnil // no tracer is no traces
	}
	headers, err := tracingHeaders(s.credentials)
	if err != nil {
		return nil, err
	}
	roots, err := config.Roots(s.credentials.TracingCA)
	if err != nil {
		return nil, fmt.Errorf("spec.monitoring.tracing.caSecretRef: %w", err)
	}
	traces, err := tracing.New(context.Background(), tracing.Options{
		Settings: func() config.Tracing {
			if now := s.source.Config().Tracing; now != nil {
				return *now
			}
			return *start // until the pods without traces are there
		},
		Headers: headers, Roots: roots,
		Service: s.source.Config().Service, Version: version, Replica: replica(getenv),
		OnSpans: srv.metrics.Spans,
		OnHealth: func(why string) {
			if why == "" {
				srv.log.Write(context.Background(), logging.TracesRestored{})
				return
			}
			srv.log.Write(context.Background(), logging.TracesFailed{Code: why})
		},
	})
	if err != nil {
		return nil, err
	}
	srv.closers = append(srv.closers, traces.Close)
	return traces.Tracer(), nil
}

// tracingHeaders are those that spans are sent with; nil for none.
func tracingHeaders(c config.Credentials) (map[string]string, error) {
	if c.TracingHeaders == "" {
		return nil, nil //nolint:nilnil // none
	}
	headers, err := config.ParseTracingHeaders(c.TracingHeaders)
	if err != nil {
		return nil, fmt.Errorf("spec.monitoring.tracing.headersSecretRef: %w", err)
	}
	return headers, nil
}
