package cache_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// patience is how long a test lets a call or an event take: far longer than it does, since other work may hold the
// machine.
const patience = 30 * time.Second

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// guarded is a server's client, with patience: tests that are not about time must not fail by it.
func guarded(tb testing.TB, server *backends.RedisServer) *resilience.Redis {
	tb.Helper()
	r := resilience.NewRedis(resilience.RedisOptions{Address: server.Addr(), Timeout: patience})
	tb.Cleanup(func() { _ = r.Close() })
	return r
}

func plain(tb testing.TB, server *backends.RedisServer) *redis.Client {
	tb.Helper()
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), MaxRetries: -1})
	tb.Cleanup(func() { _ = client.Close() })
	return client
}

func keys(t *testing.T, client *redis.Client, pattern string) []string {
	t.Helper()
	all, err := client.Keys(t.Context(), pattern).Result()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// spent is a request that has waited for Redis as long as it may.
func spent(ctx context.Context, r *resilience.Redis) context.Context {
	ctx = resilience.WithRedisBudget(ctx)
	_ = r.Do(ctx, "wait", func(ctx context.Context, _ redis.UniversalClient) error {
		<-ctx.Done()
		return nil
	})
	return ctx
}

func TestServersShareWhatIsInRedis(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	first := newFixture(t, withRedis(guarded(t, server)))
	first.search(t, query("acme", "q"), rag.CacheMiss)
	first.answer(t, prompt("acme", "q", "doc"), rag.CacheMiss)
	first.close(t)

	second := newFixture(t, withRedis(guarded(t, server)), sharing(first))
	second.pass(time.Minute)
	if age := second.search(t, query("acme", "q"), rag.CacheHit).Cache.Age; age < time.Minute {
		t.Errorf("age %v, want a minute at least", age)
	}
	second.answer(t, prompt("acme", "q", "doc"), rag.CacheHit)
	second.search(t, query("umbrella", "q"), rag.CacheMiss)
	if got := second.lookedUp("search redis hit"); got != 1 {
		t.Errorf("%d searches were found in redis, want 1", got)
	}
	second.search(t, query("acme", "q"), rag.CacheHit)
	if got := second.lookedUp("search local hit"); got != 1 {
		t.Errorf("%d searches were found in memory after that, want 1", got)
	}
}

func TestServingIsForetold(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	first := newFixture(t, withRedis(guarded(t, server)))
	peek := func(f *fixture) rag.CacheOutcome {
		return f.foretold(t.Context(), prompt("acme", "q", "doc")).Outcome
	}
	if got := peek(first); got != rag.CacheMiss {
		t.Errorf("before the answer: %s, want MISS", got)
	}
	first.answer(t, prompt("acme", "q", "doc"), rag.CacheMiss)
	if got := peek(first); got != rag.CacheHit {
		t.Errorf("after the answer: %s, want HIT", got)
	}
	first.close(t)

	second := newFixture(t, withRedis(guarded(t, server)), sharing(first))
	if got := peek(second); got != rag.CacheHit {
		t.Errorf("another server, through Redis: %s, want HIT", got)
	}
	second.configure(func(c *config.Cache) { c.Enabled = false })
	if got := peek(second); got != rag.CacheBypass {
		t.Errorf("without a cache: %s, want BYPASS", got)
	}
}

// TestWhatIsForetoldAsksRedisOnce counts the look-ups that the server has seen: a stream that the cache does not know makes one look-up.
func TestWhatIsForetoldAsksRedisOnce(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	first := newFixture(t, withRedis(guarded(t, server)))
	stream := func(f *fixture, want rag.CacheOutcome) {
		t.Helper()
		p := prompt("acme", "q", "doc")
		var info rag.CacheInfo
		p.Cache.Serving = func(i rag.CacheInfo) error { info = i; return nil }
		var told []rag.Piece
		written, err := f.generator.Generate(t.Context(), p, func(piece rag.Piece) error {
			told = append(told, piece)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if info.Outcome != want || written.Cache.Outcome != want {
			t.Errorf("foretold %s, served %s, want %s", info.Outcome, written.Cache.Outcome, want)
		}
		if diff := cmp.Diff(written.Pieces, told); len(told) == 0 || diff != "" {
			t.Errorf("told %d pieces (-answer +told):\n%s", len(told), diff)
		}
	}
	stream(first, rag.CacheMiss)
	if got := lookUps(t, server); got != 1 {
		t.Errorf("an answer that is not known: %d look-ups, want 1", got)
	}
	stream(first, rag.CacheHit) // from memory
	first.close(t)
	second := newFixture(t, withRedis(guarded(t, server)), sharing(first))
	stream(second, rag.CacheHit)
	if got := lookUps(t, server); got != 2 {
		t.Errorf("with one of another server, in Redis: %d look-ups, want 2", got)
	}
	for what, want := range map[string]int{"llm local miss": 1, "llm redis hit": 1, "llm local hit": 0} {
		if got := second.lookedUp(what); got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
}

// lookUps is how many look-ups a server has seen: runs of the script that gets or claims. (The first needs two commands.)
func lookUps(t *testing.T, server *backends.RedisServer) (calls int) {
	t.Helper()
	stats, err := plain(t, server).Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	if _, after, found := strings.Cut(stats, "cmdstat_evalsha:"); found {
		if _, err := fmt.Sscanf(after, "calls=%d", &calls); err != nil {
			t.Fatal(err)
		}
	}
	return calls
}

func TestEntriesOfRedisEnd(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	client := plain(t, server)
	f := newFixture(t, withRedis(guarded(t, server)))
	f.search(t, query("acme", "q"), rag.CacheMiss)
	f.answer(t, prompt("acme", "q", "doc"), rag.CacheMiss)
	f.close(t)
	for pattern, most := range map[string]time.Duration{
		"*:search:*": time.Hour, "*:llm:*": 15 * time.Minute, "*:document:*": time.Hour + time.Second,
	} {
		found := keys(t, client, pattern)
		if len(found) != 1 {
			t.Fatalf("%s: %v, want one key", pattern, found)
		}
		ttl, err := client.PTTL(t.Context(), found[0]).Result()
		if err != nil || ttl > most || ttl < most*9/10-patience {
			t.Errorf("%s ends in %v (%v), want at most a tenth before %v", found[0], ttl, err, most)
		}
	}
}

func TestSetsOfDocumentsLoseWhatHasEnded(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	client := plain(t, server)
	guard := guarded(t, server)
	f := newFixture(t, withRedis(guard))
	f.answer(t, prompt("acme", "early", "doc"), rag.CacheMiss)
	until(t, "the first answer is in redis", func() bool { return len(keys(t, client, "*:llm:*")) == 1 })
	f.pass(time.Hour)
	f.answer(t, prompt("acme", "late", "doc"), rag.CacheMiss)
	f.close(t)
	set := keys(t, client, "*:document:*")
	if n, err := client.ZCard(t.Context(), set[0]).Result(); err != nil || n != 1 {
		t.Errorf("the set names %d entries (%v), want the one that has not ended", n, err)
	}
}

// A time to live that was shortened, and results that are kept for a short time, leave the names of those that are kept longer.
func TestSetsLiveAsLongAsWhatTheyName(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	client := plain(t, server)
	f := newFixture(t, withRedis(guarded(t, server)))
	f.search(t, query("acme", "q"), rag.CacheMiss)
	f.configure(func(c *config.Cache) {
		c.TTLSearch, c.TTLLLM = config.Duration(time.Minute), config.Duration(time.Minute)
	})
	f.search(t, query("acme", "other"), rag.CacheMiss)
	f.close(t)
	for _, pattern := range []string{"*:document:*", "*:tenant:*", "*:tenants"} {
		for _, set := range keys(t, client, pattern) {
			if ttl, err := client.TTL(t.Context(), set).Result(); err != nil || ttl < 50*time.Minute {
				t.Errorf("%s ends in %v (%v), before the first result", set, ttl, err)
			}
		}
	}
	now := strconv.FormatInt(time.Now().Add(50*time.Minute).Unix(), 10)
	if n := client.ZCount(t.Context(), keys(t, client, "*:tenants")[0], now, "+inf").Val(); n != 1 {
		t.Errorf("%d tenants are named for as long as the first result, want 1", n)
	}
}

func TestForgetInRedis(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	client := plain(t, server)
	first := newFixture(t, withRedis(guarded(t, server)))
	const answers = 120
	for i := range answers {
		first.answer(t, prompt("acme", strconv.Itoa(i), "doc", "other"), rag.CacheMiss)
	}
	first.answer(t, prompt("acme", "q", "other"), rag.CacheMiss)
	first.answer(t, prompt("umbrella", "q", "doc"), rag.CacheMiss)
	first.search(t, query("acme", "q"), rag.CacheMiss)
	first.close(t)
	if got := len(keys(t, client, "*:0:*")); got != answers+3 {
		t.Fatalf("%d entries in redis, want %d", got, answers+3)
	}

	r := guarded(t, server)
	second := newFixture(t, withRedis(r), sharing(first))
	second.configure(func(c *config.Cache) { c.Generation++ }) // entries of an earlier one hold text, too
	ctx := spent(t.Context(), r)                               // its deletion is done nevertheless
	second.Forget(ctx, rag.Invalidation{Tenant: "acme", DocumentID: "doc"})
	if got := keys(t, client, "*:0:*"); len(got) != 2 {
		t.Errorf("%d entries are left, want those of the other document and of the other tenant", len(got))
	}
}

// TestWriteThatCrossesAChangeIsTakenBack changes the documents while a result is on its way to Redis.
func TestWriteThatCrossesAChangeIsTakenBack(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	client := plain(t, server)
	f := newFixture(t, withRedis(guarded(t, server)))
	searching, release, answered := make(chan struct{}), make(chan struct{}), make(chan error)
	f.backend.retrieve = func(context.Context, rag.Query) (rag.Retrieval, error) {
		close(searching)
		<-release
		return found("x", "doc"), nil
	}
	go func() {
		_, err := f.retriever.Retrieve(t.Context(), query("acme", "q"))
		answered <- err
	}()
	<-searching
	server.Pause()
	close(release)
	if err := <-answered; err != nil {
		t.Fatal(err)
	}
	f.documents.change()
	server.Resume()
	f.close(t)
	if got := keys(t, client, "*:search:*"); len(got) != 0 {
		t.Errorf("redis holds %v, want nothing that was found before the change", got)
	}
}

func TestLargeValuesAreCompressedInRedis(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	client := plain(t, server)
	first := newFixture(t, withRedis(guarded(t, server)))
	text := strings.Repeat("results are kept for an hour; ", 2000)
	first.backend.retrieve = func(context.Context, rag.Query) (rag.Retrieval, error) { return found(text, "doc"), nil }
	first.search(t, query("acme", "q"), rag.CacheMiss)
	first.close(t)
	value := client.Get(t.Context(), keys(t, client, "*:search:*")[0]).Val()
	if len(value) > len(text)/20 || value[0] != '4' {
		t.Errorf("%d bytes of format %q, want a twentieth of %d", len(value), value[:1], len(text))
	}
	second := newFixture(t, withRedis(guarded(t, server)), sharing(first))
	if got := second.search(t, query("acme", "q"), rag.CacheHit); got.Hits[0].Text != text {
		t.Errorf("another server reads %.40q", got.Hits[0].Text)
	}
}

func TestBrokenEntriesAreMisses(t *testing.T) {
	t.Parallel()
	const sane = `3{"stored_at":"2999-01-01T00:00:00Z","fresh_until":"2999-01-01T00:00:00Z","stale_until":"2999-01-01T00:00:00Z","value":`
	for name, value := range map[string]string{
		"empty": "", "another format": "1{}", "no JSON": "3{", "cut": sane + `{"hits":[{"chunk_id"`, "another type": sane + `[]}`, "not compressed": "4{}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := backends.Redis(t)
			client := plain(t, server)
			first := newFixture(t, withRedis(guarded(t, server)))
			first.search(t, query("acme", "q"), rag.CacheMiss)
			first.close(t)
			key := keys(t, client, "*:search:*")[0]
			if err := client.Set(t.Context(), key, value, 0).Err(); err != nil {
				t.Fatal(err)
			}
			second := newFixture(t, withRedis(guarded(t, server)), sharing(first))
			second.search(t, query("acme", "q"), rag.CacheMiss)
			if got := second.lookedUp("search redis error"); got != 1 {
				t.Errorf("%d errors told, want 1", got)
			}
			second.close(t)
			if got := client.Get(t.Context(), key).Val(); !strings.HasPrefix(got, `3{"stored_at"`) || got == value {
				t.Errorf("the broken entry was not replaced: %q", got)
			}
		})
	}
}

func TestLossOfRedisCostsNoAnswer(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		args       []string
		password   string
		harm, mend func(*backends.RedisServer)
	}{
		"killed":         {harm: (*backends.RedisServer).Kill, mend: (*backends.RedisServer).Restart},
		"paused":         {harm: (*backends.RedisServer).Pause, mend: (*backends.RedisServer).Resume},
		"out of memory":  {args: []string{"--maxmemory", "1", "--maxmemory-policy", "noeviction"}},
		"wrong password": {args: []string{"--requirepass", "right"}, password: "wrong"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := backends.Redis(t, test.args...)
			r := resilience.NewRedis(resilience.RedisOptions{Address: server.Addr(), Password: test.password})
			t.Cleanup(func() { _ = r.Close() })
			f := newFixture(t, withRedis(r))
			if test.harm != nil {
				test.harm(server)
			}
			for i := range 20 {
				f.search(t, query("acme", strconv.Itoa(i)), rag.CacheMiss)
				f.search(t, query("acme", strconv.Itoa(i)), rag.CacheHit)
				f.answer(t, prompt("acme", strconv.Itoa(i), "doc"), rag.CacheMiss)
			}
			f.Forget(t.Context(), rag.Invalidation{Tenant: "acme", DocumentID: "doc"})
			f.search(t, query("acme", "0"), rag.CacheMiss)
			if test.mend == nil {
				return
			}
			test.mend(server)
			client, asked := plain(t, server), 0
			until(t, "results are written again", func() bool {
				f.search(t, query("acme", "again "+strconv.Itoa(asked)), rag.CacheMiss)
				asked++
				return len(keys(t, client, "*:search:*")) > 0
			})
		})
	}
}
