package resilience

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// maxRedirects is how often a call is sent to a node in all, less one: on a node's word that another has the key (MOVED, ASK),
	// or that it cannot tell now (TRYAGAIN, while keys move). The call's deadline ends it earlier.
	maxRedirects = 8
	// Waits between those, which double: 8 of them fit into a request's budget.
	minRedirectWait = time.Millisecond
	maxRedirectWait = 8 * time.Millisecond
)

// newClusterClient repeats a call only when a node has answered that it did not run it.
func newClusterClient(o RedisOptions, options *redis.UniversalOptions) *redis.ClusterClient {
	options.Addrs = slices.Clone(o.Cluster) // the client adds to it
	options.MaxRedirects = maxRedirects
	options.MinRetryBackoff, options.MaxRetryBackoff = minRedirectWait, maxRedirectWait
	cluster := options.Cluster()
	// Who has which slots is asked as often as Redis is pinged: a node that is gone redirects nobody to the one in its place.
	cluster.ClusterStateReloadInterval = pingEvery
	// Policies by command would ask a node for its list of commands, 200 kB, with a deadline of their own, and refuse pipelines of UNLINK.
	cluster.DisableRoutingPolicies = true
	client := redis.NewClusterClient(cluster)
	client.SetCommandInfoResolver(nil)
	client.OnNewNode(func(node *redis.Client) { node.AddHook(sentOnce{}) })
	return client
}

// sentOnce stands before a node of a Cluster. go-redis repeats what failed on the way to it or back, also what may have run.
type sentOnce struct{}

// DialHook changes nothing.
func (sentOnce) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook hides from go-redis what kind of failure it was, unless the node has answered or nothing can have been sent.
func (sentOnce) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error { return final(next(ctx, cmd)) }
}

// ProcessPipelineHook leaves out what is sent for the second time, unless the node has answered it with an error. (It comes past here each
// time, with the error of the time before.)
func (sentOnce) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		repeated, left := false, make([]redis.Cmder, 0, len(cmds))
		for _, cmd := range cmds {
			err := cmd.Err()
			repeated = repeated || err != nil
			if cmd.Name() == "asking" || err != nil && answered(err) {
				left = append(left, cmd)
			}
		}
		switch {
		case !repeated:
			return final(next(ctx, cmds))
		case len(left) == 0:
			return nil // each keeps what it has
		default:
			return final(next(ctx, left))
		}
	}
}

// answered reports whether an error is a node's answer.
func answered(err error) bool {
	var reply redis.Error
	return errors.As(err, &reply)
}

// final is err in a form that go-redis does not repeat a call for.
func final(err error) error {
	if err == nil || answered(err) || errors.Is(err, redis.ErrClosed) { // the pool of a node that left the cluster
		return err
	}
	return &failedOnce{err}
}

// failedOnce is an error without the methods that go-redis tells errors by. It does not unwrap; outcomeOf does.
type failedOnce struct{ cause error }

func (e *failedOnce) Error() string { return e.cause.Error() }
