package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// connections that wrk keeps busy, each with its next request as soon as it has an answer.
const connections = "16"

// load is what came of requests that wrk made.
type load struct {
	Requests     int64 `json:"requests"`
	Microseconds int64 `json:"microseconds"`
	// P50 and P99 are latencies in microseconds; of several rounds the lowest, as noise only adds.
	P50 int64 `json:"p50"`
	P99 int64 `json:"p99"`
	// Refused counts answers with a status of 400 or more, Broken those that never came.
	Refused int64 `json:"refused"`
	Broken  int64 `json:"broken"`
}

// perSecond is the throughput.
func (l load) perSecond() float64 { return float64(l.Requests) * 1e6 / float64(max(1, l.Microseconds)) }

// plus is l with another round of the same.
func (l load) plus(o load) load {
	if l.Requests == 0 {
		return o
	}
	return load{
		Requests:     l.Requests + o.Requests,
		Microseconds: l.Microseconds + o.Microseconds,
		P50:          min(l.P50, o.P50),
		P99:          min(l.P99, o.P99),
		Refused:      l.Refused + o.Refused,
		Broken:       l.Broken + o.Broken,
	}
}

// wrk sends body to url for some time, with further headers: "Name: value".
func wrk(t *testing.T, url, key, body string, during time.Duration, headers ...string) load {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "wrk", "-t2", "-c"+connections,
		fmt.Sprintf("-d%.0fs", during.Seconds()), "--timeout", "30s", "-s", "testdata/ask.lua", url)
	cmd.Env = append(os.Environ(), "BENCH_KEY="+key, "BENCH_BODY="+body, "BENCH_HEADERS="+strings.Join(headers, "\n"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("wrk: %v: %s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	var l load
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &l); err != nil {
		t.Fatalf("wrk said %s", out)
	}
	if l.Requests == 0 || l.Broken > 0 {
		t.Fatalf("wrk got %d answers, and %d requests broke: %s", l.Requests, l.Broken, out)
	}
	return l
}
