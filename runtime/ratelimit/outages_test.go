package ratelimit_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/ratelimit"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/test/admissions"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// TestAdmissionsKeepTheInvariant has servers admit what they can while Redis is paused, killed, restarted with its data and without, and
// more calls are made at once than the pool has connections, and checks what they admitted. It takes some 15 seconds; the full size is
//
//	RAGSERVICE_LIMITS_CLIENTS=500 RAGSERVICE_LIMITS_ROUNDS=40 go test -v -timeout 30m ./runtime/ratelimit -run Invariant
func TestAdmissionsKeepTheInvariant(t *testing.T) {
	t.Parallel()
	// What was answered is on the disk: a crash loses nothing but when its files go too.
	server := backends.Redis(t, "--appendonly", "yes", "--appendfsync", "always")
	h, guards := load(t, server, 0)
	var losses []admissions.Span
	h.awaitAll(t, ratelimit.SourceRedis)
	for range setting(t, "RAGSERVICE_LIMITS_ROUNDS", 1) {
		server.Pause()
		h.awaitAll(t, ratelimit.SourceLocal)
		h.back.Add(int64(time.Hour)) // time that runs backwards gives nothing
		h.awaitAll(t, ratelimit.SourceLocal)
		server.Resume()
		h.awaitAll(t, ratelimit.SourceRedis)

		server.Kill()
		h.awaitAll(t, ratelimit.SourceLocal)
		server.Restart()
		h.awaitAll(t, ratelimit.SourceRedis)

		release := occupy(t, guards, resilience.RedisBudget/2)
		h.awaitBusy(t)
		release()
		h.awaitAll(t, ratelimit.SourceRedis)

		lost := admissions.Span{Begin: h.now()}
		server.Kill()
		if err := os.RemoveAll(filepath.Join(server.Dir(), "appendonlydir")); err != nil {
			t.Fatal(err)
		}
		server.Restart()
		lost.End = h.now()
		losses = append(losses, lost)
		h.awaitAll(t, ratelimit.SourceRedis)
	}
	h.check(t, losses)
}

// TestNothingIsAdmittedBeyondTheInvariantWhileRedisAnswers: not when more calls are made at once than the pool has connections either.
// What has no turn is refused, and not admitted from the server's share. Calls may take longer than in a server, so that none times out
// on a busy machine.
func TestNothingIsAdmittedBeyondTheInvariantWhileRedisAnswers(t *testing.T) {
	t.Parallel()
	const timeout = 4 * time.Second
	h, guards := load(t, backends.Redis(t), timeout)
	h.awaitAll(t, ratelimit.SourceRedis)
	for range setting(t, "RAGSERVICE_LIMITS_ROUNDS", 1) {
		release := occupy(t, guards, timeout/4)
		h.awaitBusy(t)
		release()
		h.awaitAll(t, ratelimit.SourceRedis)
	}
	if alone := h.check(t, nil); alone > 0 {
		t.Errorf("%d were admitted by servers alone", alone)
	}
}

// check checks the history of each bucket as a whole, that of the bucket in Redis, and that of each server's share of it. It returns
// how many took from shares.
func (h *history) check(t *testing.T, losses []admissions.Span) (alone int) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	_, limits := requests()
	total := 0
	for name, limit := range limits {
		windows, local := h.checkBucket(t, name, limit, losses)
		total += windows
		alone += local
	}
	leased := 0
	for n := range servers {
		for _, bucket := range []string{"leased", "large"} {
			leased += h.counts[decided{bucket, n, ratelimit.SourceLease, true}]
		}
	}
	if leased == 0 {
		t.Error("nothing was leased")
	}
	h.tell(t, total)
	return alone
}

func (h *history) checkBucket(t *testing.T, name string, limit config.Limit, losses []admissions.Span) (windows, alone int) {
	t.Helper()
	cost := float64(limit.Cost)
	inRedis := admissions.Invariant{
		Burst: float64(limit.Burst) / cost, Rate: float64(limit.RequestsPerMinute) / 60 / cost, Losses: losses,
	}
	if limit.Burst >= 1000 {
		inRedis.Early = leaseLife
	}
	share := admissions.Invariant{Burst: float64(limit.Burst/servers) / cost, Rate: inRedis.Rate / servers}
	all := inRedis
	all.ShareBurst, all.ShareRate = servers*share.Burst, servers*share.Rate
	var total, redis []admissions.Span
	var local [servers][]admissions.Span
	for _, a := range h.admitted[name] {
		total = append(total, a.Span)
		switch a.source {
		case ratelimit.SourceRedis, ratelimit.SourceLease:
			redis = append(redis, a.Span)
		case ratelimit.SourceLocal:
			all.Alone = append(all.Alone, a.Span)
			local[a.server] = append(local[a.server], a.Span)
		default:
			t.Errorf("%s: admitted by %q", name, a.source)
		}
	}
	t.Logf("%-12s %7d admitted, %7d in redis, %6d alone", name, len(total), len(redis), len(all.Alone))
	check := func(of string, v admissions.Invariant, admitted []admissions.Span) {
		n, overrun := v.Overrun(admitted)
		if windows += n; overrun != "" {
			t.Errorf("%s: %s", of, overrun)
		}
	}
	check(name, all, total)
	check(name+" in redis", inRedis, redis)
	for n, spans := range local {
		check(fmt.Sprintf("%s at server %d", name, n), share, spans)
	}
	return windows, len(all.Alone)
}
