package httpapi_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// TestLoadIsShedByPriority: with eight of ten turns taken a stream is refused, which takes nothing from its caller's limit, while asks and
// searches go on; when the turns are given back, streams do as well.
func TestLoadIsShedByPriority(t *testing.T) {
	release, begun := make(chan struct{}), make(chan struct{})
	f := start(t, func(f *fixture) {
		f.config.Resilience = config.Resilience{InitialBackoff: 1, Failures: 1, OpenFor: 1, MaxInFlight: 10}
		at := f.service.search
		f.service.search = func(ctx context.Context, id rag.Identity, r rag.SearchRequest) (rag.SearchResult, error) {
			if r.Query == "slow" {
				begun <- struct{}{}
				<-release
			}
			return at(ctx, id, r)
		}
	})
	const bob = "X-API-Key: " + premiumKey
	var slow sync.WaitGroup
	for range 8 {
		slow.Go(func() {
			if got := f.call("POST", "/api/v1/search", `{"query":"slow"}`, bob); got.status != http.StatusOK {
				t.Errorf("a search that had its turn: %d", got.status)
			}
		})
		<-begun
	}
	got := f.call("POST", "/api/v1/stream", `{"query":"x"}`, bob)
	if code, _ := got.errorOf(t); got.status != http.StatusServiceUnavailable || code != "overloaded" || got.header.Get("Retry-After") != "1" {
		t.Errorf("a stream: %d %s, Retry-After %q", got.status, code, got.header.Get("Retry-After"))
	}
	if taken := got.header.Get("X-RateLimit-Remaining"); taken != "" {
		t.Errorf("a stream that was refused took from its limit: %s are left", taken)
	}
	for _, path := range []string{"/api/v1/ask", "/api/v1/search"} {
		if got := f.call("POST", path, `{"query":"x"}`, bob); got.status != http.StatusOK {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	close(release)
	slow.Wait()
	if got := f.call("POST", "/api/v1/stream", `{"query":"x"}`, bob); got.status != http.StatusOK {
		t.Errorf("a stream afterwards: %d %s", got.status, got.body)
	}
	var metrics strings.Builder
	writeMetrics(t, f, &metrics)
	if text := metrics.String(); !strings.Contains(text, `ragservice_requests_shed_total{endpoint="stream"} 1`) {
		t.Errorf("metrics do not count the stream that was refused:\n%s", text)
	}
}
