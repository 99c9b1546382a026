package resilience

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"github.com/redis/go-redis/v9"
)

// outcomeOf names how a call ended that its caller made under parent.
func outcomeOf(parent context.Context, err error) Outcome {
	var reply redis.Error
	var network net.Error
	if once, ok := errors.AsType[*failedOnce](err); ok {
		err = once.cause
	}
	switch {
	case err == nil, errors.Is(err, redis.Nil):
		return OutcomeOK
	case parent.Err() != nil:
		return OutcomeCanceled
	case errors.Is(err, ErrForeignStore):
		return OutcomeForeign
	case redis.IsAuthError(err), redis.IsPermissionError(err), forbiddenInScript(err):
		return OutcomeAuth
	case redis.IsOOMError(err):
		return OutcomeOOM
	case redis.IsReadOnlyError(err):
		return OutcomeReadOnly
	case redis.IsLoadingError(err), redis.IsMasterDownError(err), redis.IsClusterDownError(err),
		redis.IsMaxClientsError(err), redis.HasErrorPrefix(err, "BUSY"):
		return OutcomeUnready
	case errors.As(err, &reply):
		return OutcomeError
	case distrusted(err):
		return OutcomeTLS
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return OutcomeTimeout
	default:
		return OutcomeUnreachable
	}
}

// forbiddenInScript reports whether a script may not do what it does, in the words of Redis 7.0, and of others.
func forbiddenInScript(err error) bool {
	return redis.HasErrorPrefix(err, "The user executing the script can't") || redis.HasErrorPrefix(err, "ACL failure in script")
}

// distrusted reports whether there is no TLS to be had with the server: its certificate is not the one that is expected, or it speaks in
// plain text.
func distrusted(err error) bool {
	var certificate *tls.CertificateVerificationError
	var plain tls.RecordHeaderError
	var refused tls.AlertError
	return errors.As(err, &certificate) || errors.As(err, &plain) || errors.As(err, &refused)
}
