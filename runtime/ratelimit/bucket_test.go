package ratelimit

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

const second = int64(1_000_000) // microseconds

func ask(perMinute, burst, cost int) config.Limit {
	return config.Limit{Endpoint: "ask", Tier: "free", RequestsPerMinute: perMinute, Burst: burst, Cost: cost}
}

// TestBucketWorkedExample is the example of docs/rate-limits.md: 10 requests a minute, a burst of 10.
func TestBucketWorkedExample(t *testing.T) {
	t.Parallel()
	type request struct {
		at   int64 // seconds
		want Decision
	}
	decision := func(allowed bool, remaining int, reset, retry time.Duration) Decision {
		return Decision{
			Allowed: allowed, Endpoint: "ask", Limit: 10,
			Remaining: remaining, ResetAfter: reset, RetryAfter: retry, Source: SourceLocal,
		}
	}
	requests := []request{
		{0, decision(true, 9, 6*time.Second, 0)},
		{0, decision(true, 8, 12*time.Second, 0)},
		{3, decision(true, 7, 15*time.Second, 0)},   // half a token came back: 7.5
		{18, decision(true, 9, 6*time.Second, 0)},   // full after 15 s, one taken
		{3600, decision(true, 9, 6*time.Second, 0)}, // never more than full
	}
	for range 9 {
		requests = append(requests, request{at: 3600})
	}
	requests = append(requests,
		request{3600, decision(false, 0, time.Minute, 6*time.Second)},
		request{3603, decision(false, 0, 57*time.Second, 3*time.Second)},
		request{3606, decision(true, 0, time.Minute, 0)},
	)
	buckets := newLocal()
	for i, r := range requests {
		got := buckets.take([]bucket{newBucket(Bucket{Name: "alice", Limit: ask(10, 10, 1)}, 1)}, r.at*second)
		if r.want == (Decision{}) {
			continue
		}
		if diff := cmp.Diff(r.want, got); diff != "" {
			t.Errorf("request %d at %d s (-want +got):\n%s", i, r.at, diff)
		}
	}
}

// TestBucketOfWholeTokens is the other example of docs/rate-limits.md: what is gained of a token is dropped with each admission.
func TestBucketOfWholeTokens(t *testing.T) {
	t.Parallel()
	limit := ask(10, 10, 1)
	limit.WholeTokens = true
	b, buckets := newBucket(Bucket{Name: "alice", Limit: limit}, 1), newLocal()
	for _, burst := range []struct{ at, requests, admitted int64 }{{0, 5, 5}, {10, 8, 6}, {20, 4, 1}} {
		admitted := int64(0)
		var last Decision
		for range burst.requests {
			if last = buckets.take([]bucket{b}, burst.at*second); last.Allowed {
				admitted++
			}
		}
		if admitted != burst.admitted {
			t.Errorf("at %d s %d of %d are admitted, want %d", burst.at, admitted, burst.requests, burst.admitted)
		}
	}
	if d := buckets.take([]bucket{b}, 24*second); d.Allowed || d.RetryAfter != 2*time.Second || d.ResetAfter != 56*time.Second {
		t.Errorf("4 s after the last admission: %+v, want the next token in 2 s, the tenth in 56 s", d)
	}
	if d := buckets.take([]bucket{b}, 26*second); !d.Allowed {
		t.Errorf("6 s after it: %+v, want it admitted", d)
	}
}

func TestBucketShares(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		limit        config.Limit
		share        int
		wantCapacity int64
		wantPerToken time.Duration
	}{
		"whole":                                 {ask(10, 10, 1), 1, 10, 6 * time.Second},
		"half":                                  {ask(10, 10, 1), 2, 5, 12 * time.Second},
		"a share is rounded down":               {ask(10, 10, 1), 3, 3, 18 * time.Second},
		"a share holds one request at least":    {ask(5, 5, 1), 100, 1, 20 * time.Minute},
		"no replicas count as one":              {ask(10, 10, 1), 0, 10, 6 * time.Second},
		"a bucket holds one request at least":   {ask(10, 2, 7), 1, 7, 6 * time.Second},
		"a share of it holds it too":            {ask(10, 20, 7), 10, 7, time.Minute},
		"what is no limit counts as 1 a minute": {ask(0, 0, 0), 1, 1, time.Minute},
		"limits are bounded":                    {ask(1<<40, 1<<40, 1), 1, most, 600 * time.Nanosecond},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBucket(Bucket{Name: "alice", Limit: test.limit}, test.share)
			if got := b.capacity / micro; got != test.wantCapacity {
				t.Errorf("capacity: %d tokens, want %d", got, test.wantCapacity)
			}
			// Of a thousand tokens, as one may take less than the microsecond that waits are counted in.
			if got := time.Duration(b.wait(1000*micro)) * time.Microsecond; got != 1000*test.wantPerToken {
				t.Errorf("1000 tokens take %v, want %v", got, 1000*test.wantPerToken)
			}
		})
	}
}

func TestBucketFill(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		from level
		at   int64
		want int64
	}{
		"as time passes":                  {level{2 * micro, 0}, 9 * second, 3_500_000},
		"never over its capacity":         {level{2 * micro, 0}, 1 << 60, 10 * micro},
		"not by a clock that runs back":   {level{2 * micro, 100 * second}, 0, 2 * micro},
		"cut when the limit was lowered":  {level{50 * micro, 0}, 0, 10 * micro},
		"fractions of a micro-token drop": {level{0, 0}, 1, 0},
		"what is in the past long ago":    {level{0, -1 << 60}, 1 << 60, 10 * micro},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := newBucket(Bucket{Name: "alice", Limit: ask(10, 10, 1)}, 1).fill(test.from, test.at)
			if diff := cmp.Diff(level{test.want, test.at}, got, cmp.AllowUnexported(level{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestBucketInvariant checks, for random limits and requests, that what was admitted in any window of time t is at most
// burst + rate*t, and that a refused request is admitted once the wait it was told has passed.
func TestBucketInvariant(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 0))
		limit := ask(1+random.IntN(600), 1+random.IntN(50), 1+random.IntN(3))
		limit.WholeTokens = seed%2 == 1
		share := 1 + random.IntN(4)
		b := newBucket(Bucket{Name: "alice", Limit: limit}, share)
		buckets := newLocal()
		var admitted []int64
		now := int64(0)
		for range 300 {
			if random.IntN(3) == 0 {
				now += random.Int64N(2 * b.wait(b.cost))
			}
			d := buckets.take([]bucket{b}, now)
			if !d.Allowed {
				retry := now + d.RetryAfter.Microseconds()
				if l := b.fill(buckets.buckets[bucketKey{"alice", "ask"}].level, retry); l.tokens < b.cost {
					t.Fatalf("seed %d: after the wait of %v the bucket holds %d of %d", seed, d.RetryAfter, l.tokens, b.cost)
				}
				continue
			}
			admitted = append(admitted, now)
		}
		checkInvariant(t, b, admitted)
	}
}

// checkInvariant compares in micro-tokens times 60, in which the rate is an integer for each microsecond.
func checkInvariant(t *testing.T, b bucket, admitted []int64) {
	t.Helper()
	for i := range admitted {
		for j := i; j < len(admitted); j++ {
			took := int64(j-i+1) * b.cost * 60 * b.share
			most := b.capacity*60*b.share + (admitted[j]-admitted[i])*b.perMinute
			if took > most {
				t.Fatalf("%d requests admitted in %d us by %+v", j-i+1, admitted[j]-admitted[i], b)
			}
		}
	}
}

func TestDecisionSpeaksOfTheTightestBucket(t *testing.T) {
	t.Parallel()
	loose, tight := newBucket(Bucket{Name: "alice", Limit: ask(100, 100, 1)}, 1), newBucket(Bucket{Name: "alice", Limit: ask(10, 10, 1)}, 1)
	levels := []level{{tokens: 50 * micro}, {tokens: 2 * micro}}
	if got := decide([]bucket{loose, tight}, levels, 0, true, SourceRedis).Limit; got != 10 {
		t.Errorf("admitted: speaks of the limit of %d, want 10", got)
	}
	levels = []level{{tokens: 0}, {tokens: micro / 2}} // 0.6 s and 3 s to wait
	if got := decide([]bucket{loose, tight}, levels, 0, false, SourceRedis).RetryAfter; got != 3*time.Second {
		t.Errorf("refused: told to wait %v, want 3s", got)
	}
}
