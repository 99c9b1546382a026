package opensearch

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
)

const (
	// maxInFlight calls of requests are made at once, as many as connections are kept; further ones wait for their turn.
	maxInFlight = maxIdle
	// failuresToOpen calls in a row that show OpenSearch down make those of requests fail at once, until a poll or another
	// call that is made all the same is answered. After openFor one call of a request is let through to see, too. Both hold where
	// Options has no Breaker.
	failuresToOpen = 5
	openFor        = 30 * time.Second
)

func newGuard(breaker func() (failures int, openFor time.Duration)) *resilience.Guard {
	return resilience.NewGuard(resilience.GuardOptions{
		MaxInFlight: maxInFlight,
		Failures:    failuresToOpen,
		OpenFor:     openFor,
		Breaker:     breaker,
		Outcome:     outcomeOf,
	})
}

// Guard stands before OpenSearch.
func (s *Store) Guard() *resilience.Guard { return s.guard }

// refusableKey is the key of the mark that refusable sets.
type refusableKey struct{}

// refusable marks the calls of a request that has changed nothing so far: they wait for their turn, and fail at once while
// OpenSearch is known to be down. All other calls are made whatever the guard says: a change that has begun runs to its
// end, and the polls notice that OpenSearch is back.
func refusable(ctx context.Context) context.Context {
	return context.WithValue(ctx, refusableKey{}, true)
}

// guarded makes a call within timeout. Its errors are those of the ports.
func (s *Store) guarded(ctx context.Context, operation string, timeout time.Duration, call func(context.Context) error) error {
	if ctx.Value(refusableKey{}) != nil {
		err := s.guard.Do(ctx, operation, timeout, func(bounded context.Context) error {
			return mapError(bounded, timeout, call(bounded))
		})
		if _, mapped := errors.AsType[*rag.Error](err); mapped {
			return err
		}
		return mapError(ctx, timeout, err)
	}
	bounded, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := mapError(bounded, timeout, call(bounded))
	// That a poll, which has a tenth of the time, was too late says nothing of requests.
	if outcome := outcomeOf(ctx, err); outcome != resilience.OutcomeTimeout || timeout >= s.timeout {
		s.guard.Probed(outcome)
	}
	return err
}

// outcomeOf says what the end of a call that its caller made under parent shows of OpenSearch: that it refused one request,
// or answered nonsense, shows that it is there.
func outcomeOf(parent context.Context, err error) resilience.Outcome {
	var answer *answerError
	switch {
	case err == nil:
		return resilience.OutcomeOK
	case parent.Err() != nil:
		return resilience.OutcomeCanceled
	case errors.Is(err, ErrForeignStore):
		return resilience.OutcomeForeign
	case errors.As(err, &answer) && answer.status < http.StatusInternalServerError, errors.Is(err, errUnreadable):
		return resilience.OutcomeError
	case errors.As(err, &answer), errors.Is(err, errStarting):
		return resilience.OutcomeUnready
	case errors.Is(err, rag.ErrSearchTimeout):
		return resilience.OutcomeTimeout
	default:
		return resilience.OutcomeUnreachable
	}
}
