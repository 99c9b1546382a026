package resilience

import (
	"context"
	"errors"
	"net"

	"github.com/redis/go-redis/v9"
)

// outcomeOf names how a call ended that its caller made under parent.
func outcomeOf(parent context.Context, err error) Outcome {
	var reply redis.Error
	var network net.Error
	switch {
	case err == nil, errors.Is(err, redis.Nil):
		return OutcomeOK
	case parent.Err() != nil:
		return OutcomeCanceled
	case errors.Is(err, ErrForeignStore):
		return OutcomeForeign
	case redis.IsAuthError(err), redis.IsPermissionError(err):
		return OutcomeAuth
	case redis.IsOOMError(err):
		return OutcomeOOM
	case redis.IsLoadingError(err), redis.IsMasterDownError(err), redis.IsClusterDownError(err),
		redis.IsMaxClientsError(err), redis.HasErrorPrefix(err, "BUSY"):
		return OutcomeUnready
	case errors.As(err, &reply):
		return OutcomeError
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return OutcomeTimeout
	default:
		return OutcomeUnreachable
	}
}
