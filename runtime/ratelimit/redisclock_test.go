package ratelimit_test

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/ragservice/ragservice-operator/runtime/ratelimit"
	"github.com/ragservice/ragservice-operator/test/admissions"
	"github.com/ragservice/ragservice-operator/test/backends"
)

// movedClock makes programs that are started from here on ask for the time through testdata/clock.c, and returns what moves their clock.
// libfaketime would do the same, but does not go with the allocator of redis-server.
func movedClock(t *testing.T) (move func(time.Duration)) {
	t.Helper()
	compiler, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("no C compiler: ", err)
	}
	dir := t.TempDir()
	library := filepath.Join(dir, "clock.so")
	build := exec.CommandContext(t.Context(), compiler, "-shared", "-fPIC", "-o", library, filepath.Join("testdata", "clock.c"))
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	file, err := os.Create(filepath.Join(dir, "offset"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	move = func(by time.Duration) {
		seconds, err := binary.Append(nil, binary.NativeEndian, int64(by/time.Second))
		if err == nil {
			_, err = file.WriteAt(seconds, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	move(0)
	t.Setenv("CLOCK_FILE", file.Name())
	t.Setenv("LD_PRELOAD", library)
	return move
}

// TestAdmissionsWhileTheClockOfRedisJumps has it go ahead by an hour, and back by two. An hour fills a bucket, so a jump ahead counts as a
// loss of the data; one back gives nothing.
func TestAdmissionsWhileTheClockOfRedisJumps(t *testing.T) {
	move := movedClock(t)
	server := backends.Redis(t)
	h, _ := load(t, server, patience)
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { _ = client.Close() })
	jump := func(to time.Duration) (jumped admissions.Span) {
		jumped.Begin = h.now()
		move(to)
		until(t, "the clock has jumped", func() bool {
			now, err := client.Time(t.Context()).Result()
			if err != nil {
				t.Fatal(err)
			}
			return (time.Until(now) - to).Abs() < time.Minute
		})
		jumped.End = h.now()
		h.awaitAll(t, ratelimit.SourceRedis)
		return jumped
	}
	h.awaitAll(t, ratelimit.SourceRedis)
	var ahead []admissions.Span
	for range setting(t, "RAGSERVICE_LIMITS_ROUNDS", 1) {
		ahead = append(ahead, jump(time.Hour))
		jump(-time.Hour)
		ahead = append(ahead, jump(0))
	}
	if alone := h.check(t, ahead); alone > 0 {
		t.Errorf("%d were admitted by servers alone", alone)
	}
}
