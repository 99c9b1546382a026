package resilience_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// set writes, which a replica refuses.
func set(ctx context.Context, r *resilience.Redis) error {
	return r.Do(ctx, "set", func(ctx context.Context, c redis.UniversalClient) error {
		return c.Set(ctx, "k", "v", time.Minute).Err()
	})
}

// TestSentinelFailover kills the primary under a stream of calls: they fail at once or within their time, and reach the replica that is
// put in its place, with the same client.
func TestSentinelFailover(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		harm func(*backends.ReplicatedRedis)
		why  []resilience.Outcome
	}{
		"killed": {
			func(b *backends.ReplicatedRedis) { b.Servers[0].Kill() },
			[]resilience.Outcome{resilience.OutcomeUnreachable},
		},
		"paused": {
			func(b *backends.ReplicatedRedis) { b.Servers[0].Pause() },
			[]resilience.Outcome{resilience.OutcomeTimeout},
		},
		"killed while the sentinel that is asked hangs": {
			func(b *backends.ReplicatedRedis) {
				b.Sentinels[0].Pause()
				b.Servers[0].Kill()
			},
			[]resilience.Outcome{resilience.OutcomeUnreachable, resilience.OutcomeTimeout},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := backends.RedisWithSentinels(t)
			r, told := guard(t, resilience.RedisOptions{Sentinel: &resilience.Sentinel{
				Addresses: b.Addresses()[:1], MasterName: backends.SentinelMaster, // it tells of the others
			}})
			until(t, "up", hasHealth(r, resilience.HealthUp))
			until(t, "a write", func() bool { return set(t.Context(), r) == nil })
			test.harm(b)
			harmed := time.Now()
			until(t, "down", func() bool { return set(t.Context(), r) != nil && r.Health() == resilience.HealthDown })
			until(t, "up again", func() bool { return set(t.Context(), r) == nil })
			back := time.Since(harmed)
			lost := 0
			for _, why := range test.why {
				lost += told.count(why)
			}
			if lost == 0 {
				t.Errorf("no call was told as %v", test.why)
			}
			if got := told.count(resilience.OutcomeReadOnly) + told.count(resilience.OutcomeForeign); got > 0 {
				t.Errorf("%d calls were told as of a replica or a stranger", got)
			}
			if said, err := b.Servers[1].Ask("get", "k"); err != nil || said != "v" {
				t.Errorf("the new primary has %q %v", said, err)
			}
			t.Logf("used again %v after the primary had gone; %d calls and pings lost, %d not made", back.Round(time.Millisecond),
				lost, told.count(resilience.OutcomeOpen))
		})
	}
}

// TestSentinelsHaveAPasswordOfTheirOwn asks sentinels with one and servers with another.
func TestSentinelsHaveAPasswordOfTheirOwn(t *testing.T) {
	t.Parallel()
	b := backends.RedisWithSentinels(t)
	for _, s := range b.Sentinels {
		if _, err := s.Ask("acl", "setuser", "default", "resetpass", ">of-the-sentinel"); err != nil {
			t.Fatal(err)
		}
	}
	options := resilience.RedisOptions{
		Timeout:  patience,
		Sentinel: &resilience.Sentinel{Addresses: b.Addresses(), MasterName: backends.SentinelMaster, Password: "of-the-sentinel"},
	}
	r, _ := guard(t, options)
	until(t, "a write", func() bool { return set(t.Context(), r) == nil })
	options.Sentinel.Password = "a guess"
	r, told := guard(t, options)
	until(t, "down", hasHealth(r, resilience.HealthDown))
	if got := told.lastDown(); got != resilience.OutcomeAuth {
		t.Errorf("why it is down with another password: %q, want %q", got, resilience.OutcomeAuth)
	}
}
