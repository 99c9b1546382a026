package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// patience is how long a test lets a call or an event take: far longer than it does, since other work may hold the
// machine.
const patience = 30 * time.Second

var service = config.Service{Namespace: "default", Name: "docs", Replicas: 2}

func takesOf(tb testing.TB, server *backends.RedisServer) *resilience.RedisBatch[*take] {
	tb.Helper()
	r := resilience.NewRedis(resilience.RedisOptions{Address: server.Addr(), Timeout: patience})
	tb.Cleanup(func() { _ = r.Close() })
	return newTakes(r)
}

// takeRedis takes one request from buckets in Redis.
func takeRedis(ctx context.Context, takes *resilience.RedisBatch[*take], service config.Service, buckets []bucket) (Decision, error) {
	t := newTake(service, buckets, nil)
	if err := takes.Do(ctx, t); err != nil {
		return Decision{}, err
	}
	return t.decision(), nil
}

func newClient(tb testing.TB, server *backends.RedisServer) *redis.Client {
	tb.Helper()
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), MaxRetries: -1})
	tb.Cleanup(func() { _ = client.Close() })
	return client
}

// TestScriptCountsAsTheBucketDoes takes from random buckets at random levels and compares what the script left with what
// bucket.go says for the moment at which the script ran.
func TestScriptCountsAsTheBucketDoes(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	client, takes := newClient(t, server), takesOf(t, server)
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 1))
		limit := ask(magnitude(random), magnitude(random), 1+random.IntN(10))
		limit.WholeTokens = seed%2 == 1
		b := newBucket(Bucket{Name: fmt.Sprintf("caller %d", seed), Limit: limit}, 1)
		clock, err := client.Time(t.Context()).Result()
		if err != nil {
			t.Fatal(err)
		}
		before := level{
			tokens: random.Int64N(b.capacity + 1),
			at:     max(clock.UnixMicro()-random.Int64N(b.wait(b.capacity)+1), 0),
		}
		name := key(service, b)
		if err := client.Set(t.Context(), name, fmt.Sprintf("%d %d", before.tokens, before.at), 0).Err(); err != nil {
			t.Fatal(err)
		}
		decision, err := takeRedis(t.Context(), takes, service, []bucket{b})
		if err != nil {
			t.Fatal(err)
		}
		after := readLevel(t, client, name)
		if !decision.Allowed {
			if after != before {
				t.Errorf("seed %d: a refused request changed %+v to %+v", seed, before, after)
			}
			if b.whole { // when the script ran is not known: it was between two looks at the clock
				checkWait(t, client, b, before, clock.UnixMicro(), decision.RetryAfter)
			}
			continue
		}
		want := level{tokens: b.fill(before, after.at).tokens - b.cost, at: after.at}
		if after != want {
			t.Errorf("seed %d: %+v from %+v: left %+v, want %+v", seed, b, before, after, want)
		}
		if diff := cmp.Diff(b.describe(after, after.at, true, SourceRedis), decision); diff != "" {
			t.Errorf("seed %d (-want +got):\n%s", seed, diff)
		}
	}
}

// checkWait checks what a refused request was told, by a script that ran between begin and now.
func checkWait(t *testing.T, client *redis.Client, b bucket, before level, begin int64, told time.Duration) {
	t.Helper()
	clock, err := client.Time(t.Context()).Result()
	if err != nil {
		t.Fatal(err)
	}
	if l := b.fill(before, clock.UnixMicro()+told.Microseconds()); l.tokens < b.cost {
		t.Errorf("%+v from %+v: after the wait of %v it holds %d", b, before, told, l.tokens)
	}
	if l := b.fill(before, begin+told.Microseconds()-2); l.tokens >= b.cost {
		t.Errorf("%+v from %+v: before the wait of %v is over it holds %d", b, before, told, l.tokens)
	}
}

// magnitude is a number up to the largest limit, small ones as likely as large ones.
func magnitude(random *rand.Rand) int {
	n := 1
	for range random.IntN(9) {
		n *= 10
	}
	return min(n*(1+random.IntN(9)), most)
}

func readLevel(t *testing.T, client *redis.Client, name string) level {
	t.Helper()
	value, err := client.Get(t.Context(), name).Result()
	if err != nil {
		t.Fatal(err)
	}
	var l level
	if _, err := fmt.Sscan(value, &l.tokens, &l.at); err != nil {
		t.Fatalf("%q: %v", value, err)
	}
	return l
}

func TestScriptTakesFromAllBucketsOrNone(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	client, takes := newClient(t, server), takesOf(t, server)
	wide, narrow := newBucket(Bucket{Name: "tenant", Limit: ask(1, 100, 1)}, 1), newBucket(Bucket{Name: "alice", Limit: ask(1, 1, 1)}, 1)
	for i, want := range []bool{true, false, false} {
		d, err := takeRedis(t.Context(), takes, service, []bucket{wide, narrow})
		if err != nil || d.Allowed != want {
			t.Errorf("request %d: %+v, %v, want allowed %t", i, d, err, want)
		}
	}
	if got := readLevel(t, client, key(service, wide)).tokens; got != 99*micro {
		t.Errorf("left in the wide bucket: %d, want what one request left", got)
	}
}

// TestScriptFillsOnAfterTheClockRanBack puts the bucket's time into the future, which is what it looks like when the
// clock was set back. (The script asks Redis for the time; there is no other seam.)
func TestScriptFillsOnAfterTheClockRanBack(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	client, takes := newClient(t, server), takesOf(t, server)
	b := newBucket(Bucket{Name: "alice", Limit: ask(1, 10, 1)}, 1)
	name := key(service, b)
	future := time.Now().Add(time.Hour).UnixMicro()
	if err := client.Set(t.Context(), name, fmt.Sprintf("%d %d", micro/2, future), 0).Err(); err != nil {
		t.Fatal(err)
	}
	d, err := takeRedis(t.Context(), takes, service, []bucket{b})
	if err != nil || d.Allowed {
		t.Fatalf("%+v, %v: time that ran back gave tokens", d, err)
	}
	got := readLevel(t, client, name)
	if got.at >= future || got.tokens != micro/2 {
		t.Errorf("left %+v: want the same tokens at the new time", got)
	}
}

func TestScriptKeyLastsUntilTheBucketIsFull(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	client, takes := newClient(t, server), takesOf(t, server)
	b := newBucket(Bucket{Name: "alice", Limit: ask(1, 60, 1)}, 1)
	for range 60 {
		if _, err := takeRedis(t.Context(), takes, service, []bucket{b}); err != nil {
			t.Fatal(err)
		}
	}
	ttl, err := client.PTTL(t.Context(), key(service, b)).Result()
	if err != nil {
		t.Fatal(err)
	}
	if ttl > 61*time.Minute || ttl < 60*time.Minute-patience {
		t.Errorf("an empty bucket that fills in an hour is kept for %v, want that and a minute", ttl)
	}
}

// A bucket whose limit is lowered takes longer to fill than its key was to last. As long as somebody asks it is not forgotten.
func TestScriptKeyLastsLongerWhenTheLimitIsLowered(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	client, takes := newClient(t, server), takesOf(t, server)
	take := func(perMinute int) (allowed bool, lasts time.Duration) {
		t.Helper()
		b := newBucket(Bucket{Name: "alice", Limit: ask(perMinute, 60, 1)}, 1)
		d, err := takeRedis(t.Context(), takes, service, []bucket{b})
		if err != nil {
			t.Fatal(err)
		}
		if lasts, err = client.PTTL(t.Context(), key(service, b)).Result(); err != nil {
			t.Fatal(err)
		}
		return d.Allowed, lasts
	}
	for allowed := true; allowed; {
		allowed, _ = take(60)
	}
	_, before := take(60)
	allowed, after := take(1)
	if again, _ := take(1); allowed || again {
		t.Error("a lowered limit filled the bucket")
	}
	if before > 2*time.Minute || after < 58*time.Minute || after > 61*time.Minute {
		t.Errorf("an empty bucket is kept for %v, and for %v once it takes an hour to fill", before, after)
	}
}

func TestScriptIsSentAgainWhenRedisForgotIt(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	client, takes := newClient(t, server), takesOf(t, server)
	b := newBucket(Bucket{Name: "alice", Limit: ask(1, 10, 1)}, 1)
	for want := 9; want > 5; want-- {
		if err := client.ScriptFlush(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		d, err := takeRedis(t.Context(), takes, service, []bucket{b})
		if err != nil || d.Remaining != want {
			t.Errorf("%+v, %v, want %d remaining", d, err, want)
		}
	}
}

func TestKeysAreApart(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, caller := range []string{"a", "a:b", "a%3Ab", "a}", "{a", "a b", "a+b", "ü", ""} {
		for _, endpoint := range []string{"ask", "b:ask"} {
			b := newBucket(Bucket{Name: caller, Limit: config.Limit{Endpoint: endpoint}}, 1)
			name := key(service, b)
			if other, ok := seen[name]; ok {
				t.Errorf("%q and %q on %s share %s", caller, other, endpoint, name)
			}
			seen[name] = caller
		}
	}
	const want = "rag:{default/docs}:limit:ask:team%3Aa"
	if got := key(service, newBucket(Bucket{Name: "team:a", Limit: ask(1, 1, 1)}, 1)); got != want {
		t.Errorf("key %q, want %q", got, want)
	}
}

func TestBrokenBucketIsAnError(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	client, takes := newClient(t, server), takesOf(t, server)
	b := newBucket(Bucket{Name: "alice", Limit: ask(1, 10, 1)}, 1)
	if err := client.LPush(context.WithoutCancel(t.Context()), key(service, b), "x").Err(); err != nil {
		t.Fatal(err)
	}
	if d, err := takeRedis(t.Context(), takes, service, []bucket{b}); err == nil {
		t.Errorf("%+v from a key that is no bucket, want an error", d)
	}
}

// TestScriptDecidesRequestsInTheirOrder gives one run of the script requests of few callers. Their buckets are full, so that no time
// matters: each request has to find what the one before left, as in memory.
func TestScriptDecidesRequestsInTheirOrder(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	client := newClient(t, server)
	now := time.Now().UnixMicro()
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 2))
		inMemory := newLocal()
		var takes []*take
		var want []Decision
		for range 1 + random.IntN(30) {
			limit := ask(1, 1+random.IntN(5), 1) // a token a minute: none comes while the test runs
			buckets := newBuckets([]Bucket{
				{Name: fmt.Sprintf("tenant %d of %d", random.IntN(2), seed), Limit: ask(1, 10, 1)},
				{Name: fmt.Sprintf("caller %d of %d", random.IntN(4), seed), Limit: limit},
			}[random.IntN(2):], 1)
			want = append(want, inMemory.take(buckets, now))
			takes = append(takes, newTake(service, buckets, nil))
		}
		for i, err := range runScript(t.Context(), client, takes) {
			if err != nil {
				t.Fatal(err)
			}
			got := takes[i].decision()
			got.Source = SourceLocal
			if diff := cmp.Diff(want[i], got); diff != "" {
				t.Fatalf("seed %d, request %d of %d (-want +got):\n%s", seed, i, len(takes), diff)
			}
		}
	}
}

// TestBrokenBucketFailsItsOwnRequestAlone: requests of others are in the same run of the script, and Redis is not lost.
func TestBrokenBucketFailsItsOwnRequestAlone(t *testing.T) {
	t.Parallel()
	client := newClient(t, backends.Redis(t))
	bucketOf := func(name string) []bucket { return newBuckets([]Bucket{{Name: name, Limit: ask(1, 10, 1)}}, 1) }
	takes := []*take{newTake(service, bucketOf("alice"), nil), newTake(service, bucketOf("bob"), nil), newTake(service, bucketOf("alice"), nil)}
	if err := client.LPush(t.Context(), takes[1].keys[0], "x").Err(); err != nil {
		t.Fatal(err)
	}
	errs := runScript(t.Context(), client, takes)
	if errs[0] != nil || errs[2] != nil {
		t.Errorf("the others failed: %v, %v", errs[0], errs[2])
	}
	if _, ok := errors.AsType[redis.Error](errs[1]); !ok {
		t.Errorf("%v: want an error that counts as an answer of Redis", errs[1])
	}
	if got := takes[2].decision().Remaining; got != 8 {
		t.Errorf("%d remaining, want 8", got)
	}
}

// What is leased with a request is still left to its caller.
func TestDecisionCountsWhatWasLeased(t *testing.T) {
	t.Parallel()
	client := newClient(t, backends.Redis(t))
	turn := newTake(service, newBuckets([]Bucket{{Name: "alice", Limit: ask(1, 100, 1)}}, 1), []int64{10})
	if err := runScript(t.Context(), client, []*take{turn})[0]; err != nil {
		t.Fatal(err)
	}
	if got := turn.decision().Remaining; turn.leased(0) != 10 || got != 99 {
		t.Errorf("%d leased and %d remaining, want 10 and 99", turn.leased(0), got)
	}
}

// afterwards changes what became of a script that Redis has run: a connection breaks, or an answer is none, when told to.
type afterwards func(redis.Cmder)

func (f afterwards) DialHook(next redis.DialHook) redis.DialHook { return next }

func (f afterwards) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (f afterwards) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if err := next(ctx, cmd); err != nil {
			return err
		}
		if strings.HasPrefix(cmd.Name(), "eval") {
			f(cmd)
		}
		return cmd.Err()
	}
}

// The script may have run when its answer is lost. It is not sent again: it would take twice.
func TestScriptIsSentOnce(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	client := newClient(t, server)
	b := newBucket(Bucket{Name: "alice", Limit: ask(1, 10, 1)}, 1)
	takes := []*take{newTake(service, []bucket{b}, nil)}
	if err := runScript(t.Context(), client, takes)[0]; err != nil { // so that Redis knows the script
		t.Fatal(err)
	}
	broken := newClient(t, server)
	broken.AddHook(afterwards(func(cmd redis.Cmder) { cmd.SetErr(io.EOF) }))
	if err := runScript(t.Context(), broken, takes)[0]; !errors.Is(err, io.EOF) {
		t.Errorf("%v, want that the connection broke", err)
	}
	if got := readLevel(t, client, key(service, b)).tokens; got < 8*micro || got >= 9*micro {
		t.Errorf("%d micro-tokens are left of 10 after two requests", got)
	}
}

func TestAnswerOfAnotherLengthIsAnError(t *testing.T) {
	t.Parallel()
	client := newClient(t, backends.Redis(t))
	client.AddHook(afterwards(func(cmd redis.Cmder) {
		if cmd, ok := cmd.(*redis.Cmd); ok {
			cmd.SetVal([]any{int64(1)})
		}
	}))
	b := newBucket(Bucket{Name: "alice", Limit: ask(1, 10, 1)}, 1)
	err := runScript(t.Context(), client, []*take{newTake(service, []bucket{b}, nil)})[0]
	if _, ok := errors.AsType[redis.Error](err); !ok {
		t.Errorf("%v: want an error that counts as an answer of Redis", err)
	}
}
