package ratelimit

import (
	"strconv"
	"testing"
)

func TestLocalTakesFromAllBucketsOrNone(t *testing.T) {
	t.Parallel()
	buckets := newLocal()
	wide, narrow := newBucket(Bucket{Name: "tenant", Limit: ask(100, 100, 1)}, 1), newBucket(Bucket{Name: "alice", Limit: ask(1, 1, 1)}, 1)
	for i, want := range []bool{true, false, false} {
		if got := buckets.take([]bucket{wide, narrow}, 0).Allowed; got != want {
			t.Errorf("request %d: allowed %t, want %t", i, got, want)
		}
	}
	if got := buckets.buckets[bucketKey{"tenant", "ask"}].tokens; got != 99*micro {
		t.Errorf("left in the wide bucket: %d, want what one request left", got)
	}
}

func TestLocalKeepsCallersAndEndpointsApart(t *testing.T) {
	t.Parallel()
	buckets := newLocal()
	search := ask(1, 1, 1)
	search.Endpoint = "search"
	for i, b := range []bucket{
		newBucket(Bucket{Name: "alice", Limit: ask(1, 1, 1)}, 1), newBucket(Bucket{Name: "bob", Limit: ask(1, 1, 1)}, 1),
		newBucket(Bucket{Name: "alice", Limit: search}, 1),
	} {
		if !buckets.take([]bucket{b}, 0).Allowed {
			t.Errorf("bucket %d is not one of its own", i)
		}
	}
}

func TestLocalFillsOnAfterTheClockRanBack(t *testing.T) {
	t.Parallel()
	buckets := newLocal()
	b := []bucket{newBucket(Bucket{Name: "alice", Limit: ask(60, 1, 1)}, 1)}
	for i, step := range []struct {
		at   int64
		want bool
	}{{3600, true}, {0, false}, {1, true}, {1, false}} {
		if got := buckets.take(b, step.at*second).Allowed; got != step.want {
			t.Errorf("step %d: allowed %t, want %t", i, got, step.want)
		}
	}
}

func TestLocalMemoryIsBounded(t *testing.T) {
	t.Parallel()
	buckets := newLocal()
	buckets.max = 10
	take := func(caller string, at int64) bool {
		return buckets.take([]bucket{newBucket(Bucket{Name: caller, Limit: ask(60, 1, 1)}, 1)}, at*second).Allowed
	}
	for i := range 10 {
		if !take(strconv.Itoa(i), 100) {
			t.Fatalf("caller %d was refused the first request", i)
		}
	}
	admitted := 0
	for i := range 1000 {
		if take("newcomer "+strconv.Itoa(i), 100) {
			admitted++
		}
	}
	if admitted != 1 {
		t.Errorf("newcomers admitted when memory is full: %d, want the one that their common bucket holds", admitted)
	}
	if take("3", 100) {
		t.Error("a caller with an empty bucket was admitted when memory was full")
	}
	if got := len(buckets.buckets); got != 11 {
		t.Errorf("%d buckets, want 10 and the common one", got)
	}
	if !take("late", 102) || !take("later", 102) {
		t.Error("buckets that are full again did not make room")
	}
}

func TestLocalMakesRoomAfterTheClockRanBack(t *testing.T) {
	t.Parallel()
	buckets := newLocal()
	buckets.max = 1
	take := func(caller string, at int64) bool {
		return buckets.take([]bucket{newBucket(Bucket{Name: caller, Limit: ask(60, 1, 1)}, 1)}, at*second).Allowed
	}
	for i, step := range []struct {
		caller string
		at     int64
		want   bool
	}{{"alice", 3600, true}, {"bob", 3601, true}, {"bob", 10, false}, {"carol", 20, true}, {"dave", 30, true}} {
		if got := take(step.caller, step.at); got != step.want {
			t.Errorf("step %d: %s was admitted: %t, want %t", i, step.caller, got, step.want)
		}
	}
	if _, common := buckets.buckets[bucketKey{"", "ask"}]; common {
		t.Error("a newcomer found no room")
	}
}

// Who is refused by a limit that was lowered is not forgotten as soon as the bucket would have been full by the limit before.
func TestLocalKeepsABucketWhoseLimitWasLowered(t *testing.T) {
	t.Parallel()
	buckets := newLocal()
	buckets.max = 1
	take := func(caller string, perMinute int, at int64) bool {
		return buckets.take([]bucket{newBucket(Bucket{Name: caller, Limit: ask(perMinute, 1, 1)}, 1)}, at*second).Allowed
	}
	if !take("alice", 60, 0) || take("alice", 1, 0) {
		t.Fatal("the first request alone is to be admitted")
	}
	take("newcomer", 60, 10) // memory is full: it looks for buckets that are
	if take("alice", 1, 10) {
		t.Error("a token a minute came after 10 s")
	}
	if !take("alice", 1, 60) {
		t.Error("no token came after a minute")
	}
}
