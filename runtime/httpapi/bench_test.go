package httpapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/logging"
)

// BenchmarkAsk answers questions without a network: what the handler, the pipeline and the cache in memory take. `make bench` measures
// the built server with Redis and OpenSearch behind it.
func BenchmarkAsk(b *testing.B) {
	for _, bm := range []struct {
		name   string
		perMin int
		status int
		body   func(i int) string
	}{
		{"cached", config.MaxRequestsPerMinute, http.StatusOK, func(int) string { return `{"query":"How long?"}` }},
		{"uncached", config.MaxRequestsPerMinute, http.StatusOK, func(i int) string { return `{"query":"How long ` + strconv.Itoa(i) + `?"}` }},
		{"refused", 1, http.StatusTooManyRequests, func(int) string { return `{"query":"How long?"}` }},
	} {
		b.Run(bm.name, func(b *testing.B) {
			f := build(b, cached, func(f *fixture) {
				f.api.Log = logging.New(logging.NewBuffer(io.Discard))
				f.config.RateLimits.Limits = []config.Limit{{Endpoint: "ask", Tier: "free", RequestsPerMinute: bm.perMin, Burst: bm.perMin, Cost: 1}}
			})
			ask := func(i int) int {
				r := httptest.NewRequest(http.MethodPost, ask, strings.NewReader(bm.body(i)))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("X-Api-Key", clientKey)
				w := httptest.NewRecorder()
				f.handler.ServeHTTP(w, r)
				return w.Code
			}
			ask(0)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i++
				if got := ask(i); got != bm.status {
					b.Fatalf("status %d, want %d", got, bm.status)
				}
			}
		})
	}
}
