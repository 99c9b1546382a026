package stats

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/logging"
)

// TestTopOfSeveralServers: of skewed questions to three servers, each of which can count fewer than there are, the counts are between the true
// ones and what they may be too high, and each question is told that was asked more often than one in tracked times.
func TestTopOfSeveralServers(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) // repeatable
	often := rand.NewZipf(random, 1.1, 1, 5000)
	servers, truth, all := make([]sketch, 3), map[string]int64{}, int64(30_000)
	for range all {
		hash := fmt.Sprint(often.Uint64())
		truth[hash]++
		servers[random.IntN(3)].note(logging.Query{Hash: hash})
	}
	var shared []sharedSketch
	for i := range servers {
		if n := len(servers[i].queries); n != tracked || len(servers[i].at) != tracked {
			t.Errorf("server %d counts %d queries and finds %d, want %d", i, n, len(servers[i].at), tracked)
		}
		shared = append(shared, servers[i].share())
	}
	told := map[string]bool{}
	inexact := 0
	for _, q := range top(3*tracked, shared) {
		told[q.Hash] = true
		if q.Error > 0 {
			inexact++
		}
		if n := truth[q.Hash]; n > q.Count || n < q.Count-q.Error {
			t.Errorf("%s was asked %d times, told are %d, at most %d too many", q.Hash, n, q.Count, q.Error)
		}
	}
	for hash, n := range truth {
		if n > all/tracked && !told[hash] {
			t.Errorf("%s was asked %d times and is not told", hash, n)
		}
	}
	if inexact == 0 || inexact == len(told) {
		t.Errorf("%d of %d counts are inexact: the test shows nothing", inexact, len(told))
	}
}

func TestTopIsInOrder(t *testing.T) {
	var a, b sketch
	for hash, n := range map[string]int{"x": 3, "y": 5, "z": 1} {
		for range n {
			a.note(logging.Query{Hash: hash, Text: "text of " + hash})
		}
	}
	b.note(logging.Query{Hash: "x"})
	b.note(logging.Query{Hash: "z"})
	want := []TopQuery{{Hash: "y", Text: "text of y", Count: 5}, {Hash: "x", Text: "text of x", Count: 4}}
	if diff := cmp.Diff(want, top(2, []sharedSketch{a.share(), b.share()})); diff != "" {
		t.Error(diff)
	}
}

// TestQueriesLeaveTheLastHour, and tenants that asked nothing for longest make room.
func TestQueriesLeaveTheLastHour(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	q := queries{now: func() time.Time { return now }, tenants: map[string]*tenantQueries{}}
	q.note("a", logging.Query{Hash: "early", Text: strings.Repeat("é", 200)})
	counts := func() (since, hour int) {
		shared := q.of("a")
		return len(top(TopQueries, []sharedSketch{shared.SinceStart})), len(top(TopQueries, shared.lastHour(now)))
	}
	for _, step := range []struct {
		after       time.Duration
		since, hour int
	}{{0, 1, 1}, {74 * time.Minute, 1, 1}, {time.Minute, 1, 0}} {
		now = now.Add(step.after)
		if since, hour := counts(); since != step.since || hour != step.hour {
			t.Errorf("at %s: %d since the start, %d in the last hour; want %d, %d", now, since, hour, step.since, step.hour)
		}
	}
	if text := q.of("a").SinceStart.Queries[0].Text; text != strings.Repeat("é", queryBytes/2) {
		t.Errorf("a text of %d bytes is kept, want %d", len(text), queryBytes)
	}
	for i := range queryTenants {
		now = now.Add(time.Second)
		q.note(fmt.Sprint("tenant ", i), logging.Query{Hash: "x"})
	}
	if since, _ := counts(); since != 0 || len(q.tenants) != queryTenants {
		t.Errorf("%d tenants are counted, the first with %d queries", len(q.tenants), since)
	}
}
