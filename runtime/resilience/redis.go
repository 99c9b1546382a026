package resilience

import (
	"context"
	"crypto/tls"
	"errors"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
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
	// Address is host:port of one Redis. Sentinel or Cluster stand in its place.
	Address string
	// Sentinel says who knows the primary of a replicated Redis.
	Sentinel *Sentinel
	// Cluster are nodes of a Redis Cluster, host:port. They tell of the others.
	Cluster []string
	// Key is a key of the caller, whether it exists or not. The slot that it is in stands for the whole of a Cluster: its node is pinged.
	Key string
	// Username and Password are empty for none.
	Username, Password string
	// TLS is nil for connections in plain text. Without a server name the certificate is for the host of the address.
	TLS *tls.Config
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

// Sentinel is where sentinels are, and what they call the primary.
type Sentinel struct {
	// Addresses are host:port of sentinels. They tell of the others.
	Addresses  []string
	MasterName string
	// Username and Password are for the sentinels themselves; empty for none.
	Username, Password string
}

// Redis is a client of one Redis that never holds a caller up: every call is bounded, none that was sent is repeated, and while
// Redis is down calls fail at once. A ping a second notices when it is back. It is not needed to start.
type Redis struct {
	options RedisOptions
	client  redis.UniversalClient
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
	r := &Redis{options: o, client: newClient(o)}
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

// Do makes one call, bounded by the budget of ctx's request, by ctx and by RedisOptions.Timeout. operation names it in
// metrics. An error is one of ErrOpen, ErrBusy and ErrRedisSpent, or what call returned.
func (r *Redis) Do(ctx context.Context, operation string, call func(context.Context, redis.UniversalClient) error) error {
	budget := budgetOf(ctx)
	allowed := budget.bound(r.options.Timeout)
	if allowed < worthwhile {
		r.guard.Observe(operation, OutcomeSpent, 0)
		return ErrRedisSpent
	}
	ctx, span := r.startSpan(ctx, operation)
	start := time.Now()
	err := r.guard.Do(ctx, operation, allowed, func(ctx context.Context) error { return call(ctx, r.client) })
	budget.spend(time.Since(start))
	r.endSpan(ctx, span, err)
	return err
}

// Health is down while calls are refused, and unknown until Redis has answered for the first time.
func (r *Redis) Health() Health { return r.guard.Health() }

// Guard stands before Redis.
func (r *Redis) Guard() *Guard { return r.guard }

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
	err := r.answers(bounded)
	took := time.Since(start)
	outcome := outcomeOf(ctx, err)
	if outcome == OutcomeOK && took > r.options.Timeout {
		outcome = OutcomeTimeout
	}
	r.guard.Observe("ping", outcome, took)
	r.guard.Probed(outcome)
}

// answers asks whether Redis is there. Each node of a Cluster answers PING, also one whose cluster is down; so a key is asked for.
func (r *Redis) answers(ctx context.Context) error {
	if len(r.options.Cluster) == 0 {
		return r.client.Ping(ctx).Err()
	}
	return r.client.Get(ctx, r.options.Key).Err()
}
