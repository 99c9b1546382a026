package resilience

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// ErrRedisSpent is why a call was not made: the request has waited for Redis long enough.
var ErrRedisSpent = errors.New("the request has waited for redis long enough")

const (
	// redisFailures in a row open the breaker: enough that one lost packet does not, few enough that only requests in
	// flight pay.
	redisFailures = 5
	// pingEvery is how often Redis is asked whether it is there.
	pingEvery = time.Second
	// connectTimeout bounds making a connection, which happens in the background: a request that needs one waits no
	// longer than its own budget, and a later one finds it made.
	connectTimeout = 500 * time.Millisecond
	// maxCalls at once carry some 20,000 calls a second at 0.5 ms each; more would only queue in Redis. Each has a
	// connection.
	maxCalls = 10
)

// RedisOptions say which Redis, and who is told about it.
type RedisOptions struct {
	// Address is host:port.
	Address string
	// Password is empty for none.
	Password string
	// Timeout bounds one call; 0 for RedisBudget.
	Timeout time.Duration
	// ConnectionLifetime is the greatest age of a connection; 0 for 5 minutes. A fifth of it is jitter.
	ConnectionLifetime time.Duration
	// OnCall is told each call: what for, how it ended and how long it took. May be nil.
	OnCall func(operation string, outcome Outcome, took time.Duration)
	// OnHealth is told when Redis goes down, with the outcome that was the last straw, and when it is back. It must return
	// soon and must not call the Redis. May be nil.
	OnHealth func(health Health, why Outcome)
}

// Redis is a client of one Redis server that never holds a caller up: every call is bounded, none is repeated, and while
// the server is down calls fail at once. A ping a second notices when it is back. It is not needed to start.
type Redis struct {
	options RedisOptions
	client  *redis.Client
	guard   *Guard
	stop    context.CancelFunc
	pinging sync.WaitGroup
}

// NewRedis returns a client and starts its pings. Close ends them.
func NewRedis(o RedisOptions) *Redis {
	quiet()
	if o.Timeout == 0 {
		o.Timeout = RedisBudget
	}
	if o.ConnectionLifetime == 0 {
		o.ConnectionLifetime = connectionLifetime
	}
	r := &Redis{options: o, client: redis.NewClient(clientOptions(o))}
	r.guard = NewGuard(GuardOptions{
		MaxInFlight: maxCalls,
		Failures:    redisFailures,
		Outcome:     outcomeOf,
		OnCall:      o.OnCall,
		OnHealth:    o.OnHealth,
	})
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	r.pinging.Go(func() { r.watch(ctx) })
	return r
}

// quiet keeps go-redis from writing lines of its own to stderr, where the log is JSON; what they say reaches OnCall.
var quiet = sync.OnceFunc(logging.Disable)

// clientOptions undo go-redis's defaults, which make a caller of a dead server wait for a minute: dials of 5 s tried 5
// times, reads and writes of 5 s, 6 s for a connection of the pool, 3 repetitions, and no deadline of a context obeyed.
func clientOptions(o RedisOptions) *redis.Options {
	connecting := max(connectTimeout, o.Timeout)
	return &redis.Options{
		Addr:                  o.Address,
		Password:              o.Password,
		Dialer:                dialRedis(connecting),
		OnConnect:             confirmation(o.Password),
		ContextTimeoutEnabled: true,
		MaxRetries:            -1, // a script that was sent may have run
		DialTimeout:           connecting,
		DialerRetries:         1,
		// Only a bound for calls without a deadline, of which there are none. Deadlines end calls: go-redis reckons these
		// from a clock that may be 50 ms late, which would cut a call of 60 ms to 10.
		ReadTimeout:           o.Timeout + connectTimeout,
		WriteTimeout:          o.Timeout + connectTimeout,
		PoolTimeout:           o.Timeout + connectTimeout,
		PoolSize:              maxCalls + 1, // and one for the ping: calls wait for their turn in the guard, not here
		PipelinePoolSize:      -1,           // pipelines share the pool
		ConnMaxIdleTime:       connectionLifetime,
		ConnMaxLifetime:       o.ConnectionLifetime,
		ConnMaxLifetimeJitter: o.ConnectionLifetime / 5, // so that those of a pool do not end together
		DisableIdentity:       true,                     // a round trip less for each connection
		MaintNotificationsConfig: &maintnotifications.Config{
			Mode: maintnotifications.ModeDisabled,
		},
	}
}

// Do makes one call, bounded by the budget of ctx's request, by ctx and by RedisOptions.Timeout. operation names it in
// metrics. An error is one of ErrOpen, ErrBusy and ErrRedisSpent, or what call returned.
func (r *Redis) Do(ctx context.Context, operation string, call func(context.Context, redis.UniversalClient) error) error {
	budget := budgetOf(ctx)
	allowed := budget.bound(r.options.Timeout)
	if allowed < worthwhile {
		r.guard.Observe(operation, OutcomeSpent, 0)
		return ErrRedisSpent
	}
	start := time.Now()
	err := r.guard.Do(ctx, operation, allowed, func(ctx context.Context) error { return call(ctx, r.client) })
	budget.spend(time.Since(start))
	return err
}

// Health is down while calls are refused, and unknown until Redis has answered for the first time.
func (r *Redis) Health() Health { return r.guard.Health() }

// Fault is how the call ended that Redis counts as down for; empty while it does not.
func (r *Redis) Fault() Outcome { return r.guard.Fault() }

// Close ends the pings and the connections.
func (r *Redis) Close() error {
	r.stop()
	err := r.client.Close() // also ends the ping that is under way
	r.pinging.Wait()
	return err
}

// watch pings Redis, at once and then every second, until ctx ends.
func (r *Redis) watch(ctx context.Context) {
	ticker := time.NewTicker(pingEvery)
	defer ticker.Stop()
	for {
		r.ping(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// ping may take longer than a request's call, so that a connection can be made to a Redis that is far away. But only an
// answer as fast as a request needs it counts: a Redis that is too slow to be of use stays down.
func (r *Redis) ping(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, connectTimeout+r.options.Timeout)
	defer cancel()
	start := time.Now()
	err := r.client.Ping(bounded).Err()
	took := time.Since(start)
	outcome := outcomeOf(ctx, err)
	if outcome == OutcomeOK && took > r.options.Timeout {
		outcome = OutcomeTimeout
	}
	r.guard.Observe("ping", outcome, took)
	r.guard.Probed(outcome)
}
