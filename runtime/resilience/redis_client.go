package resilience

import (
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// newClient makes the client of a Redis that stands alone, of one that sentinels watch, or of a Cluster. Each reads from primaries alone.
func newClient(o RedisOptions) redis.UniversalClient {
	options := clientOptions(o)
	switch {
	case o.Sentinel != nil:
		return redis.NewFailoverClient(failoverOptions(o, options))
	case len(o.Cluster) > 0:
		return newClusterClient(o, options)
	default:
		options.Addrs = []string{o.Address}
		return redis.NewClient(options.Simple())
	}
}

// clientOptions undo go-redis's defaults, which make a caller of a dead server wait for a minute: dials of 5 s tried 5
// times, reads and writes of 5 s, 6 s for a connection of the pool, 3 repetitions, and no deadline of a context obeyed.
func clientOptions(o RedisOptions) *redis.UniversalOptions {
	connecting := max(connectTimeout, o.Timeout)
	return &redis.UniversalOptions{
		Username:              o.Username,
		Password:              o.Password,
		Dialer:                dialRedis(connecting, o.TLS), // which does TLS, so that no other TLSConfig is set
		OnConnect:             confirmation(o),
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

// failoverOptions have each new connection ask a sentinel for the primary. When a sentinel tells of another one, connections to the one
// before are closed.
func failoverOptions(o RedisOptions, options *redis.UniversalOptions) *redis.FailoverOptions {
	options.Addrs, options.MasterName = o.Sentinel.Addresses, o.Sentinel.MasterName
	options.SentinelUsername, options.SentinelPassword = o.Sentinel.Username, o.Sentinel.Password
	// In this time a sentinel that hangs is asked, asked once more over a new connection, and given up for the others; then the
	// primary is connected to, which has a timeout of its own. A sentinel that is given up by the end of the time alone may be asked again.
	options.DialTimeout = 2*(options.DialTimeout+options.ReadTimeout) + time.Second
	return options.Failover()
}
