package httpapi_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	endpointLabel = regexp.MustCompile(`[{,]endpoint="([^"]*)"`)
	routeLabel    = regexp.MustCompile(`[{,]http_route="([^"]*)"`)
)

// TestEndpointsOfMetrics: series, of which the rules of alerts are made, are counted by the endpoint that a route belongs to, and a caller who
// tries paths, methods and ids makes no more of them.
func TestEndpointsOfMetrics(t *testing.T) {
	f := start(t)
	f.api.Metrics.Traffic(f.api.Traffic)
	const bob = "X-API-Key: " + premiumKey
	for range 2 {
		for _, path := range []string{"/api/v1/search", "/api/v1/ask", "/api/v1/stream"} {
			if got := f.call(http.MethodPost, path, `{"query":"x"}`, bob); got.status != http.StatusOK {
				t.Fatalf("%s: %d %s", path, got.status, got.body)
			}
		}
	}
	for _, name := range []string{"a", "b", "search", "ask%2F", "%00", "ask?endpoint=x"} {
		for _, path := range []string{"/", "/api/v1/", "/api/v1/documents/", "/api/v2/", "/api/v1/ask/", "/api/v1/cache/"} {
			for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodPost} {
				f.call(method, path+name, "", bob)
			}
		}
	}
	var text strings.Builder
	writeMetrics(t, f, &text)
	for _, endpoint := range []string{"search", "ask", "stream"} {
		if want := `ragservice_answer_duration_seconds_count{endpoint="` + endpoint + `"} 2`; !strings.Contains(text.String(), want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	for label, want := range map[*regexp.Regexp][]string{
		endpointLabel: {"ask", "documents", "invalidate", "search", "stats", "stream"},
		routeLabel: {
			"", "/api/v1/ask", "/api/v1/cache/invalidate", "/api/v1/documents", "/api/v1/documents/{id}", "/api/v1/search", "/api/v1/stats", "/api/v1/stream",
		},
	} {
		var values []string
		for _, found := range label.FindAllStringSubmatch(text.String(), -1) {
			if !slices.Contains(values, found[1]) {
				values = append(values, found[1])
			}
		}
		for _, value := range values {
			if !slices.Contains(want, value) {
				t.Errorf("%s finds %q", label, value)
			}
		}
		if len(values) < 3 {
			t.Errorf("%s finds %q only", label, values)
		}
	}
}
