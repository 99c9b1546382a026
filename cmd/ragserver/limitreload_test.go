package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/test/backends"
)

// TestLimitsChangeUnderRequests changes the limits of a running server while callers ask: no change fills a bucket, or
// locks it, and each holds from then on.
func TestLimitsChangeUnderRequests(t *testing.T) {
	t.Parallel()
	folder := newKeysFolder(t)
	folder.setKey("alice", firstKey)
	address := backends.Redis(t).Addr()
	file := filepath.Join(t.TempDir(), "config.yaml")
	set := func(limits string) {
		t.Helper()
		text := strings.Replace(elsewhere, "rateLimits: {defaultTier: free}", "rateLimits: "+limits, 1)
		text = strings.Replace(text, "stores: {", fmt.Sprintf("stores: {redis: {cache: {address: %q}, state: {address: %q}}, ", address, address), 1)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	table := func(tier string, perMinute, burst, cost int, more string) string {
		return fmt.Sprintf("{defaultTier: %s, %slimits: [{endpoint: search, tier: %s, requestsPerMinute: %d, burst: %d, cost: %d}]}",
			tier, more, tier, perMinute, burst, cost)
	}
	set(table("free", 1, 5, 1, ""))
	r := keyed{startWith(t, noEnvironment, "--config", file, "--secrets-dir", folder.secrets), t}

	var refused, other atomic.Int64
	stop := make(chan struct{})
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				switch status, _, _ := r.post(t, "/api/v1/search", firstKey, `{"query":"x"}`); status {
				case http.StatusTooManyRequests:
					refused.Add(1)
				case http.StatusServiceUnavailable: // of OpenSearch, which is not there
				default:
					other.Add(1)
				}
				time.Sleep(5 * time.Millisecond) // it bounds the load
			}
		})
	}
	defer running.Wait()
	defer close(stop)
	more := func() {
		t.Helper()
		want := refused.Load() + 10
		r.eventually("nothing is refused", func() bool { return refused.Load() >= want })
	}
	more()
	for i, limits := range []string{
		table("free", 1, 1000, 1, ""),
		table("free", 1, 5, 1, "wholeTokens: true, "),
		table("free", 1, 1000, 900, "wholeTokens: true, "),
		table("gold", 2, 1000, 1, ""),
		table("gold", 1, 1, 1, ""),
	} {
		set(limits)
		r.eventually("it is not taken up", func() bool { return len(r.events("config_reloaded")) == i+1 })
		more()
	}
	before := r.admittedByRedis()
	if before > 5+3 { // one a minute, for a time two
		t.Errorf("%d were admitted, want 5, and what is gained in a few seconds", before)
	}
	set(table("gold", 6000, 5, 1, ""))
	r.eventually("the bucket is locked", func() bool { return r.admittedByRedis() > before+20 })
	more()
	if n := other.Load(); n > 0 {
		t.Errorf("%d requests had another answer", n)
	}
}

// admittedByRedis is how many requests took from a bucket in Redis. On a busy machine some calls time out, and take from the server's share.
func (k keyed) admittedByRedis() (n int) {
	k.t.Helper()
	for line := range strings.Lines(k.admin("/metrics")) {
		sample, isSample := strings.CutPrefix(line, `ragservice_ratelimit_decisions_total{decision="admitted",endpoint="search",source="redis"`)
		if _, value, _ := strings.Cut(sample, "} "); isSample {
			count, err := strconv.Atoi(strings.TrimSpace(value))
			if err != nil {
				k.t.Fatal(err)
			}
			n += count
		}
	}
	return n
}
