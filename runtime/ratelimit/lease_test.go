package ratelimit

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/test/backends"
)

var start = time.Unix(1e9, 0)

func bucketsOf(limit config.Limit, names ...string) []Bucket {
	var all []Bucket
	for _, name := range names {
		all = append(all, Bucket{Name: name, Limit: limit})
	}
	return all
}

// answered is a take that redis answered: it was admitted, tokens are in each bucket, and what was asked for was leased.
func answered(buckets []Bucket, ask []int64, tokens int64) *take {
	t := newTake(service, newBuckets(buckets, 1), ask)
	t.answer = []int64{1}
	for i := range buckets {
		n := int64(0)
		if ask != nil {
			n = ask[i]
		}
		t.answer = append(t.answer, tokens*micro, n)
	}
	return t
}

// demand counts n requests at a time and returns what is asked for with the last of them.
func demand(l *leases, buckets []Bucket, n int, now time.Time) (ask []int64) {
	for range n {
		_, _, ask = l.take(buckets, now)
		for i := range ask { // a call that comes back empty
			if ask[i] > 0 {
				l.byBucket[keyOf(buckets[i])].asking = false
			}
		}
	}
	return ask
}

func TestHalfOfWhatComesIsLeased(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		limit    config.Limit
		requests int
		want     int64
	}{
		"one request":                      {ask(1, 1_000_000, 1), 1, 0},
		"ten":                              {ask(1, 1_000_000, 1), 10, 5},
		"at most 256":                      {ask(1, 1_000_000, 1), 10_000, 256},
		"at most 0.1% of the burst":        {ask(1, 10_000, 1), 10_000, 10},
		"at most 0.1% of the burst's cost": {ask(1, 10_000, 4), 10_000, 2},
		"a small burst":                    {ask(1, 999, 1), 10_000, 0},
		"whole tokens": {config.Limit{
			Endpoint: "ask", Tier: "free", RequestsPerMinute: 1, Burst: 1_000_000, Cost: 1, WholeTokens: true,
		}, 10_000, 0},
	} {
		var got int64
		if asked := demand(newLeases(), bucketsOf(test.limit, "alice"), test.requests, start); asked != nil {
			got = asked[0]
		}
		if got != test.want {
			t.Errorf("%s: %d are asked for, want %d", name, got, test.want)
		}
	}
}

func TestDemandIsForgotten(t *testing.T) {
	t.Parallel()
	l, all := newLeases(), bucketsOf(ask(1, 1_000_000, 1), "alice")
	demand(l, all, 10, start)
	if got := demand(l, all, 1, start.Add(leaseLife)); len(got) != 1 || got[0] != 5 {
		t.Errorf("in the window after ten requests %v are asked for, want 5", got)
	}
	if got := demand(l, all, 1, start.Add(3*leaseLife)); got != nil {
		t.Errorf("long after them %v are asked for, want none", got)
	}
}

func TestALeaseDecidesUntilItIsUsedUpOrEnds(t *testing.T) {
	t.Parallel()
	limit := ask(60, 1000, 1)
	all := bucketsOf(limit, "alice")
	held := func() *leases {
		l := newLeases()
		l.hold(answered(all, demandOf(l, all, 3), 500), start, false, func(Bucket, int64) {})
		return l
	}
	l := held()
	for i, want := range []int{502, 501, 500} {
		d, decided, _ := l.take(all, start)
		wanted := Decision{Allowed: true, Endpoint: "ask", Limit: 60, Remaining: want, ResetAfter: time.Duration(1000-want) * time.Second, Source: SourceLease}
		if diff := cmp.Diff(wanted, d); !decided || diff != "" {
			t.Errorf("request %d (-want +got):\n%s", i, diff)
		}
	}
	if _, decided, _ := l.take(all, start); decided {
		t.Error("a fourth request is decided by a lease of three")
	}

	l = held()
	if _, decided, _ := l.take(all, start.Add(leaseLife)); decided {
		t.Error("a lease that has ended decides")
	}
	l = held()
	if _, decided, _ := l.take(bucketsOf(ask(60, 900, 1), "alice"), start); decided {
		t.Error("a lease of another limit decides")
	}
	l = held()
	for _, names := range [][]string{{"alice", "tenant"}, {"tenant", "alice"}} {
		if _, decided, _ := l.take(bucketsOf(limit, names...), start); decided {
			t.Errorf("a lease of alice's bucket decides for %v", names)
		}
	}
	if d, decided, _ := l.take(all, start); !decided || d.Remaining != 502 {
		t.Errorf("a request that was not decided used the lease: %+v", d)
	}
	if _, decided, _ := l.take(bucketsOf(limit, "bob"), start); decided {
		t.Error("alice's lease decides for bob")
	}
}

// Of several buckets the one speaks of which the fewest requests are left.
func TestALeaseTellsOfTheTightestBucket(t *testing.T) {
	t.Parallel()
	wide, narrow := bucketsOf(ask(60, 2000, 1), "tenant"), bucketsOf(ask(60, 1000, 1), "alice")
	for _, all := range [][]Bucket{slices.Concat(wide, narrow), slices.Concat(narrow, wide)} {
		l := newLeases()
		for _, b := range all {
			one := []Bucket{b}
			l.hold(answered(one, demandOf(l, one, 3), int64(b.Limit.Burst/2)), start, false, func(Bucket, int64) {})
		}
		if d, decided, _ := l.take(all, start); !decided || d.Remaining != 502 {
			t.Errorf("%s first: %+v, want the 502 of alice", all[0].Name, d)
		}
	}
}

// demandOf makes l ask for n requests of each bucket.
func demandOf(l *leases, buckets []Bucket, n int64) []int64 {
	want := make([]int64, len(buckets))
	for i, b := range buckets {
		l.of(b, start).asking = true
		want[i] = n
	}
	return want
}

// A lease decides a request only when there is one of each of its buckets: of a large one beside one that is never leased, none is asked
// for, so that nobody is refused because of it.
func TestNothingIsLeasedBesideABucketThatIsNot(t *testing.T) {
	t.Parallel()
	large, small := bucketsOf(ask(1, 1_000_000, 1), "acme"), bucketsOf(ask(1, 10, 1), "alice")
	if ask := demand(newLeases(), large, 10, start); ask == nil {
		t.Error("alone: nothing is asked for")
	}
	for name, buckets := range map[string][]Bucket{"after it": slices.Concat(small, large), "before it": slices.Concat(large, small)} {
		if ask := demand(newLeases(), buckets, 10, start); ask != nil {
			t.Errorf("%s: %v are asked for", name, ask)
		}
	}
}

func TestOnlyOneRequestAsksForALease(t *testing.T) {
	t.Parallel()
	l, all := newLeases(), bucketsOf(ask(1, 1_000_000, 1), "alice")
	demand(l, all, 10, start)
	_, _, first := l.take(all, start)
	if _, _, second := l.take(all, start); first == nil || second != nil {
		t.Errorf("asked for %v and then %v, want one to ask", first, second)
	}
	l.hold(answered(all, first, 500), start, true, nil)
	if _, decided, again := l.take(all, start); decided || again == nil {
		t.Error("after a call that failed nothing is asked for, or something is held")
	}
}

func TestWhatIsLeftOfALeaseIsGivenBackOnce(t *testing.T) {
	t.Parallel()
	l, all := newLeases(), bucketsOf(ask(1, 1_000_000, 1), "alice")
	back := make(chan int64, 2)
	hold := func() {
		l.hold(answered(all, demandOf(l, all, 3), 500), start, false, func(_ Bucket, n int64) { back <- n })
	}
	hold()
	l.take(all, start)
	select {
	case n := <-back:
		if n != 2 {
			t.Errorf("%d are given back, want 2", n)
		}
	case <-time.After(patience):
		t.Fatal("nothing is given back")
	}
	if _, decided, _ := l.take(all, start); decided {
		t.Error("what was given back is used")
	}
	// A lease that was used up has nothing to give back, and the end of it is not that of the next.
	s := l.byBucket[keyOf(all[0])]
	hold()
	earlier := s.ends
	s.left, s.ends = 7, s.ends.Add(time.Hour)
	if n := l.end(s, earlier); n != 0 || s.left != 7 {
		t.Errorf("the end of an earlier lease takes %d of the next", n)
	}
}

func TestMemoryOfLeasesIsBounded(t *testing.T) {
	t.Parallel()
	l, limit := newLeases(), ask(1, 1000, 1)
	for i := range maxLeases + 10 {
		l.take(bucketsOf(limit, string(rune(i+1))), start)
	}
	if n := len(l.byBucket); n != maxLeases {
		t.Errorf("%d buckets are remembered, want %d", n, maxLeases)
	}
	l.take(bucketsOf(limit, "newcomer"), start.Add(time.Minute))
	if n := len(l.byBucket); n != 1 {
		t.Errorf("a minute later %d buckets are remembered, want the newcomer's", n)
	}
}

// What is held, or is about to be, is not forgotten when memory is full.
func TestLeasesInUseAreNotForgotten(t *testing.T) {
	t.Parallel()
	l, limit := newLeases(), ask(1, 1000, 1)
	held, asking := bucketsOf(limit, "held"), bucketsOf(limit, "asking")
	s := l.of(held[0], start)
	s.limit, s.left, s.ends = limit, 1, start.Add(leaseLife)
	ask := demandOf(l, asking, 1)
	for i := range maxLeases {
		l.take(bucketsOf(limit, string(rune(i+1))), start)
	}
	l.take(bucketsOf(limit, "newcomer"), start.Add(time.Minute))
	l.hold(answered(asking, ask, 500), start, false, func(Bucket, int64) {})
	for _, all := range [][]Bucket{held, asking} {
		if _, decided, _ := l.take(all, start); !decided {
			t.Errorf("the lease that is %s is gone", all[0].Name)
		}
	}
}

func TestScriptLeases(t *testing.T) {
	t.Parallel()
	server := backends.Redis(t)
	takes := takesOf(t, server)
	b := newBucket(Bucket{Name: "alice", Limit: ask(1, 100, 2)}, 1)
	do := func(b bucket, ask int64) []int64 {
		t.Helper()
		turn := newTake(service, []bucket{b}, []int64{ask})
		if err := takes.Do(t.Context(), turn); err != nil {
			t.Fatal(err)
		}
		turn.answer[1] /= micro // it gains a token a minute: a part of one since
		return turn.answer
	}
	giveBack := func(tokens int64) bucket {
		back := b
		back.cost = -tokens * micro
		return back
	}
	for i, step := range []struct {
		bucket bucket
		ask    int64
		want   []int64
	}{
		{b, 3, []int64{1, 92, 3}},              // 2 for the request, 6 for those to come
		{b, 100, []int64{1, 80, 5}},            // 90 are left, enough for 45: an eighth of these
		{giveBack(10), 0, []int64{1, 90, 0}},   //
		{giveBack(100), 0, []int64{1, 100, 0}}, // never more than it holds
		{giveBack(-90), 0, []int64{1, 10, 0}},
		{b, 100, []int64{1, 8, 0}}, // the last of a bucket are leased to nobody
		{giveBack(-7), 0, []int64{1, 1, 0}},
		{b, 100, []int64{0, 1, 0}}, // nor is anything with a refusal
	} {
		if diff := cmp.Diff(step.want, do(step.bucket, step.ask)); diff != "" {
			t.Errorf("step %d (-want +got):\n%s", i, diff)
		}
	}
}
