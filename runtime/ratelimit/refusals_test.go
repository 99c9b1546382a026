package ratelimit

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// refused is what Redis answers to a request of which each bucket holds that many micro-tokens.
func refused(buckets []Bucket, held int64) *take {
	t := answered(buckets, nil, 0)
	t.answer[0] = 0
	for i := range buckets {
		t.answer[1+2*i] = held
	}
	return t
}

// TestARefusalIsRememberedUntilTheBucketMayHaveWhatItTakes, as the bucket itself reckons, and no longer than a second.
func TestARefusalIsRememberedUntilTheBucketMayHaveWhatItTakes(t *testing.T) {
	t.Parallel()
	began := time.Unix(1_000_000, 0)
	whole := ask(600, 10, 1)
	whole.WholeTokens = true
	for name, test := range map[string]struct {
		limit config.Limit
		// held are the micro-tokens of the bucket, lasts how long it is refused.
		held  int64
		lasts time.Duration
		// since is how long before that a bucket of whole tokens gained the last one.
		since time.Duration
	}{
		"gains one in 100 ms":         {ask(600, 10, 1), 0, 100 * time.Millisecond, 0},
		"has half of it":              {ask(600, 10, 1), micro / 2, 50 * time.Millisecond, 0},
		"needs three":                 {ask(600, 10, 3), micro, 200 * time.Millisecond, 0},
		"gains one in a minute":       {ask(1, 10, 1), 0, time.Second, 0},
		"gains whole ones in 100 ms":  {whole, 0, 100 * time.Millisecond, 0},
		"gains a whole one in 40 ms":  {whole, 0, 40 * time.Millisecond, 60 * time.Millisecond},
		"had enough, and was refused": {ask(600, 10, 1), micro, 0, 0}, // another bucket of the request was empty
	} {
		buckets := bucketsOf(test.limit, "alice")
		r := newRefusals()
		answer := refused(buckets, test.held)
		if test.limit.WholeTokens {
			answer.answer[2] = test.since.Microseconds()
		}
		r.remember(answer, began)
		for _, at := range []struct {
			after time.Duration
			want  bool
		}{{-time.Microsecond, false}, {0, test.lasts > 0}, {test.lasts - time.Microsecond, test.lasts > 0}, {test.lasts, false}} {
			d, decided := r.decide(buckets, began.Add(at.after))
			if decided != at.want {
				t.Errorf("%s: after %s it is decided here: %t", name, at.after, decided)
			}
			if whole := newBucket(buckets[0], 1); decided {
				level := whole.fill(level{test.held, began.Add(-test.since).UnixMicro()}, began.Add(at.after).UnixMicro())
				if want := whole.describe(level, began.Add(at.after).UnixMicro(), false, SourceRefusal); d != want {
					t.Errorf("%s: after %s %+v, want %+v", name, at.after, d, want)
				}
			}
		}
	}
}

func TestARefusalIsOfItsBucketAndLimit(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_000_000, 0)
	slow, slower := bucketsOf(ask(10, 10, 1), "alice"), bucketsOf(ask(5, 10, 1), "tenant")
	r := newRefusals()
	r.remember(refused(slow, 0), now)
	r.remember(refused(slower, 0), now)
	if d, decided := r.decide(append(bucketsOf(ask(10, 10, 1), "bob"), append(slow, slower...)...), now); !decided || d.RetryAfter != 12*time.Second {
		t.Errorf("%t, %+v; want the longest wait of the request's buckets, 12s", decided, d)
	}
	if d, decided := r.decide(append(slower, slow...), now); !decided || d.RetryAfter != 12*time.Second {
		t.Errorf("in another order %t, %+v", decided, d)
	}
	for name, other := range map[string][]Bucket{"another caller": bucketsOf(ask(10, 10, 1), "bob"), "a limit that was raised": bucketsOf(ask(20, 10, 1), "alice")} {
		if d, decided := r.decide(other, now); decided {
			t.Errorf("%s is refused: %+v", name, d)
		}
	}
	r.forget(slow[0])
	if _, decided := r.decide(slow, now); decided {
		t.Error("it is remembered still")
	}
}

func TestMemoryOfRefusalsIsBounded(t *testing.T) {
	t.Parallel()
	r, now := newRefusals(), time.Unix(1_000_000, 0)
	bucket := func(i int) []Bucket { return bucketsOf(ask(1, 1, 1), fmt.Sprint(i)) }
	for i := range maxRefusals + 1 {
		r.remember(refused(bucket(i), 0), now)
	}
	if _, decided := r.decide(bucket(maxRefusals), now); decided || len(r.byBucket) != maxRefusals {
		t.Errorf("%d are remembered", len(r.byBucket))
	}
	now = now.Add(refusalLife)
	r.remember(refused(bucket(maxRefusals), 0), now)
	if _, decided := r.decide(bucket(maxRefusals), now); !decided || len(r.byBucket) != 1 {
		t.Errorf("later %d are remembered, the newest: %t", len(r.byBucket), decided)
	}
}

// TestRedisIsNotAskedOfWhomItHasJustRefused: by the limiter, with the clock that the limiter has; it is asked when it may admit.
func TestRedisIsNotAskedOfWhomItHasJustRefused(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	guard := resilience.NewRedis(resilience.RedisOptions{Address: server.Addr(), Timeout: patience})
	t.Cleanup(func() { _ = guard.Close() })
	now := time.Now()
	l := New(Options{Redis: guard, Service: func() config.Service { return service }, Now: func() time.Time { return now }})
	var calls atomic.Int64
	l.takes = resilience.NewRedisBatch(guard, "take", func(ctx context.Context, client redis.UniversalClient, takes []*take) []error {
		calls.Add(1)
		return runScript(ctx, client, takes)
	})
	alice := bucketsOf(ask(1, 2, 1), "alice")
	for range 2 {
		if d := l.Take(t.Context(), alice); !d.Allowed {
			t.Fatalf("%+v", d)
		}
	}
	byRedis := l.Take(t.Context(), alice)
	if byRedis.Allowed || byRedis.Source != SourceRedis {
		t.Fatalf("%+v, want a refusal of Redis", byRedis)
	}
	before := calls.Load()
	for range 100 {
		d := l.Take(t.Context(), alice)
		d.Source, byRedis.Source = "", ""
		if d != byRedis {
			t.Fatalf("%+v, want what Redis said: %+v", d, byRedis)
		}
	}
	if after := calls.Load(); after != before {
		t.Errorf("Redis was asked %d times", after-before)
	}
	if d := l.Take(t.Context(), bucketsOf(ask(1, 2, 1), "bob")); !d.Allowed || d.Source != SourceRedis {
		t.Errorf("another caller: %+v", d)
	}
	now = now.Add(refusalLife)
	if d := l.Take(t.Context(), alice); d.Allowed || d.Source != SourceRedis {
		t.Errorf("a second later %+v, want a refusal of Redis", d)
	}
	l.giveBack(alice[0], 1)
	if d := l.Take(t.Context(), alice); !d.Allowed {
		t.Errorf("after a request was given back: %+v", d)
	}
}
