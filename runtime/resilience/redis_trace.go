package resilience

import (
	"context"

	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// startSpan begins the span of a call.
func (r *Redis) startSpan(ctx context.Context, operation string) (context.Context, telemetry.Span) {
	ctx, span := telemetry.ClientSpan(ctx, telemetry.SystemRedis, operation)
	span.Server(r.options.Address)
	return ctx, span
}

// endSpan ends it with how the call ended.
func (r *Redis) endSpan(ctx context.Context, span telemetry.Span, err error) {
	if err != nil {
		if outcome := r.guard.outcome(ctx, err); outcome != OutcomeOK {
			span.Fail(string(outcome))
		}
	}
	span.End()
}
