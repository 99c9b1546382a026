package resilience

import (
	"context"
	"errors"
	"net"

	"github.com/redis/go-redis/v9"
)

// RedisOutcome is how a call to Redis ended: a label of metrics and a field of logs.
type RedisOutcome string

// Outcomes of calls to Redis.
const (
	// RedisOK: Redis answered; that a key does not exist is an answer.
	RedisOK RedisOutcome = "ok"
	// RedisTimeout: no answer in the time allowed.
	RedisTimeout RedisOutcome = "timeout"
	// RedisUnreachable: no connection, or it broke.
	RedisUnreachable RedisOutcome = "unreachable"
	// RedisForeign: what answers at the address is not Redis, and was sent nothing; see ErrForeignStore.
	RedisForeign RedisOutcome = "foreign_store"
	// RedisAuth: Redis refuses the password, or the user may not do what was asked.
	RedisAuth RedisOutcome = "auth"
	// RedisUnready: Redis answers that it cannot work now: it loads its data, runs a script or has too many clients.
	RedisUnready RedisOutcome = "unready"
	// RedisOOM: Redis is out of memory and evicts nothing. Reads still work.
	RedisOOM RedisOutcome = "oom"
	// RedisError: Redis answers with another error.
	RedisError RedisOutcome = "error"
	// RedisBusyPool: no connection of the pool came free in time; this server has more work than connections.
	RedisBusyPool RedisOutcome = "pool"
	// RedisCanceled: the caller gave up.
	RedisCanceled RedisOutcome = "canceled"
	// RedisOpen: the call was not made, because Redis is known to be down.
	RedisOpen RedisOutcome = "open"
	// RedisSpent: the call was not made, because the request has waited for Redis long enough.
	RedisSpent RedisOutcome = "spent"
)

// outcomeOf names how a call ended that its caller made under parent.
func outcomeOf(parent context.Context, err error) RedisOutcome {
	var reply redis.Error
	var network net.Error
	switch {
	case err == nil, errors.Is(err, redis.Nil):
		return RedisOK
	case parent.Err() != nil:
		return RedisCanceled
	case errors.Is(err, redis.ErrPoolTimeout):
		return RedisBusyPool
	case errors.Is(err, ErrForeignStore):
		return RedisForeign
	case redis.IsAuthError(err), redis.IsPermissionError(err):
		return RedisAuth
	case redis.IsOOMError(err):
		return RedisOOM
	case redis.IsLoadingError(err), redis.IsMasterDownError(err), redis.IsClusterDownError(err),
		redis.IsMaxClientsError(err), redis.HasErrorPrefix(err, "BUSY"):
		return RedisUnready
	case errors.As(err, &reply):
		return RedisError
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return RedisTimeout
	default:
		return RedisUnreachable
	}
}

// report tells the breaker what an outcome shows about Redis. An error reply that concerns one command alone shows that
// Redis is there; what makes every command fail or wait counts as a failure.
func (o RedisOutcome) report(p Permit) {
	switch o {
	case RedisOK, RedisOOM, RedisError:
		p.Succeeded()
	case RedisTimeout, RedisUnreachable, RedisForeign, RedisAuth, RedisUnready:
		p.Failed()
	case RedisBusyPool, RedisCanceled, RedisOpen, RedisSpent:
		p.Withdrawn()
	}
}
