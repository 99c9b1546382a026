package models

import (
	"context"
	"errors"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
)

const (
	// maxInFlight answers are written at once; further ones wait for their turn.
	maxInFlight = 256
	// maxAnswerTime is that of the longest request, a stream: bounds within it are those of the settings.
	maxAnswerTime = 5 * time.Minute
)

// newGuard is a guard that lets nothing through for a while after requests in a row that the model's server did not answer.
func newGuard(breaker func() (failures int, openFor time.Duration)) *resilience.Guard {
	return resilience.NewGuard(resilience.GuardOptions{
		MaxInFlight: maxInFlight,
		Breaker:     breaker,
		Outcome:     outcomeOf,
	})
}

// outcomeOf says what the end of an answer shows of the model's server: that it refused, or wrote nonsense, shows that it is there.
func outcomeOf(ctx context.Context, err error) resilience.Outcome {
	switch {
	case err == nil:
		return resilience.OutcomeOK
	case left(ctx, err):
		return resilience.OutcomeCanceled
	case errors.Is(err, rag.ErrLLMTimeout):
		return resilience.OutcomeTimeout
	case errors.Is(err, rag.ErrLLMUnavailable):
		return resilience.OutcomeUnreachable
	case errors.Is(err, rag.ErrLLM):
		return resilience.OutcomeError
	default: // the request's time was over before its turn came
		return resilience.OutcomeBusy
	}
}
