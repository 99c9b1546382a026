package alerts_test

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/alerts"
	"github.com/ragservice/ragservice-operator/internal/status"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// TestOperatorAndPrometheusAgree: both judge the same scripts of faults, and say the same of each alert after each minute, or one of them a
// minute later. Where they differ for longer, a scrape decided: what one moves is on both sides of a threshold.
func TestOperatorAndPrometheusAgree(t *testing.T) {
	t.Parallel()
	judged, raised, differ := 0, 0, 0
	for seed := range uint64(8) {
		servers := script(rand.New(rand.NewPCG(seed, 10)))
		operator, counted := operatorSays(asking(), servers...), sums(servers...)
		test := unitTest{Name: fmt.Sprintf("script %d", seed), Interval: "15s", InputSeries: scraped(servers...)}
		for minute, now := range operator {
			for _, e := range edges {
				rule := alerts.RuleName(e.name)
				test.Queries = append(test.Queries, firesAt(rule, minute, now[rule]))
				judged++
				if now[rule] {
					raised++
				}
			}
		}
		wrong := differences(t, test)
		for _, a := range alerts.Of(asking()) {
			rule := alerts.RuleName(a.Name)
			differ += len(wrong[rule])
			for _, minute := range wrong[rule] {
				began := minute
				for slices.Contains(wrong[rule], began-1) {
					began--
				}
				now, after := operator[minute][rule], operator[min(minute+1, len(operator)-1)][rule]
				changes := now != operator[minute-1][rule] || now != after
				if !changes && !scrapeDecides(a, counted[:began]) {
					t.Errorf("%s: the operator has %s fire after %d minutes: %t; they differ since %d", test.Name, rule, minute, operator[minute][rule], began)
				}
			}
		}
	}
	t.Logf("%d judgements, of which %d are an alert: %d differ", judged, raised, differ)
	if raised < judged/20 || raised > judged*19/20 {
		t.Errorf("%d of %d are an alert: the scripts show too little", raised, judged)
	}
	if differ > judged/100 {
		t.Errorf("%d of %d judgements differ", differ, judged)
	}
}

// scrapeDecides says that one of the last windows is beyond the threshold, or ends the alert, only with or only without the quarter of its first
// minute that was counted before its first scrape.
func scrapeDecides(a alerts.Alert, counted []telemetry.Minute) bool {
	for end := len(counted); end >= alerts.Window && end >= len(counted)-int(a.Minutes); end-- {
		whole, known := a.Value(counted[end-alerts.Window : end])
		var window []telemetry.Minute
		for i, m := range counted[end-alerts.Window : end] {
			window = append(window, times(m, map[bool]int64{true: scrapes - 1, false: scrapes}[i == 0]))
		}
		seen, _ := a.Value(window)
		if known && (a.Beyond(whole) != a.Beyond(seen) || a.Over(whole) != a.Over(seen)) {
			return true
		}
	}
	return false
}

// times is so many of a minute.
func times(m telemetry.Minute, n int64) telemetry.Minute {
	sum := telemetry.Minute{}
	for range n {
		status.SumMinutes(&sum, m)
	}
	return sum
}

// script is what two servers count in two hours of faults that come and go. The second one is replaced after an hour, the first one restarts twice.
func script(random *rand.Rand) []server {
	const length = 120
	pick := func(from ...int64) int64 { return from[random.IntN(len(from))] }
	share := func(of, percent int64) int64 { return of * percent / 100 }
	var all, half, rest []telemetry.Minute
	for len(all) < length {
		asked := pick(0, 2, 100, 400, 400, 1000) // a minute
		failed, missed, lost, slow, disk := pick(0, 3, 8, 30), pick(20, 48, 60, 90), pick(0, 3, 8, 60), pick(0, 3, 8), pick(0, 60, 78, 83)
		for range 1 + random.IntN(18) {
			all = append(all, telemetry.Minute{
				Requests: asked, Errors: share(asked, failed), Hits: asked - share(asked, missed), Misses: share(asked, missed),
				ModelCalls: asked, ModelFailures: share(asked, lost), DiskPercent: disk,
				Latency: []int64{8: asked - share(asked, slow), 14: share(asked, slow)},
			})
		}
	}
	for _, m := range all[:length] {
		a, b := telemetry.Minute{DiskPercent: m.DiskPercent}, m
		a.Requests, a.Errors, a.Hits, a.ModelCalls = m.Requests/2, m.Errors, m.Hits/3, m.ModelCalls/4
		b.Requests, b.Errors, b.Hits, b.ModelCalls = m.Requests-a.Requests, m.Errors-a.Errors, m.Hits-a.Hits, m.ModelCalls-a.ModelCalls
		half, rest = append(half, a), append(rest, b)
	}
	return []server{
		{pod: "a", minutes: half, restarts: []int{33, 80}},
		{pod: "b", minutes: rest, to: 60},
		{pod: "c", minutes: rest, from: 60},
	}
}

var failedQuery = regexp.MustCompile(`alertname=\\"(\w+)\\".*time: (\w+),`)

// differences has promtool run a test, and are the minutes in which a rule is not what the test expects.
func differences(t *testing.T, test unitTest) map[string][]int {
	t.Helper()
	path, err := exec.CommandContext(t.Context(), filepath.Join("..", "hack", "deps", "promtool.sh")).Output()
	if err != nil {
		t.Fatalf("promtool.sh: %v", err)
	}
	file := writeYAML(t, "tests.yaml", unitTests{RuleFiles: []string{writeRules(t, asking())}, EvaluationInterval: "1m", Tests: []unitTest{test}})
	said, err := exec.CommandContext(t.Context(), strings.TrimSpace(string(path)), "test", "rules", file).CombinedOutput()
	all := map[string][]int{}
	for _, found := range failedQuery.FindAllStringSubmatch(string(said), -1) {
		at, err := time.ParseDuration(found[2])
		if err != nil {
			t.Fatal(err)
		}
		all[found[1]] = append(all[found[1]], int(at/time.Minute))
	}
	if (err != nil) != (len(all) > 0) {
		t.Fatalf("%s: %v\n%s", test.Name, err, said)
	}
	return all
}
