package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

// TestCORS: pages of the configured origins may ask and read, also what was refused; others are told nothing.
func TestCORS(t *testing.T) {
	const page, other = "https://app.example.com", "https://evil.example"
	for name, tt := range map[string]struct {
		allowed []string
		origin  string
		want    string
	}{
		"off":                 {nil, page, ""},
		"allowed":             {[]string{"http://localhost:3000", page}, page, page},
		"another":             {[]string{page}, other, ""},
		"a part of one":       {[]string{page}, page + ".evil.example", ""},
		"another port":        {[]string{page}, page + ":8443", ""},
		"any":                 {[]string{config.AnyOrigin}, other, "*"},
		"a page of no origin": {[]string{page}, "null", ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, func(f *fixture) { f.config.CORS.AllowedOrigins = tt.allowed })
			origin := "Origin: " + tt.origin
			for _, got := range []reply{
				f.call("POST", search, `{"query":"x"}`, origin),
				f.call("POST", search, `{"query":""}`, origin),
				f.call("GET", "/api/v1/stats", "", origin, "X-API-Key: "),
			} {
				if allowed := got.header.Get("Access-Control-Allow-Origin"); allowed != tt.want {
					t.Errorf("%d: Access-Control-Allow-Origin %q, want %q", got.status, allowed, tt.want)
				}
				if exposed := got.header.Get("Access-Control-Expose-Headers"); (tt.want != "") != strings.Contains(exposed, "X-RateLimit-Remaining") {
					t.Errorf("exposed: %q", exposed)
				}
				if varies := got.header.Get("Vary") == "Origin"; varies != (tt.allowed != nil) {
					t.Errorf("Vary: %q", got.header.Get("Vary"))
				}
				if got.header.Get("Access-Control-Allow-Credentials") != "" {
					t.Error("cookies are allowed")
				}
			}
			preflight := f.call(http.MethodOptions, search, "", origin, "Access-Control-Request-Method: POST",
				"Access-Control-Request-Headers: content-type,x-api-key", "X-API-Key: ")
			if tt.want == "" {
				if preflight.status != http.StatusMethodNotAllowed || preflight.header.Get("Access-Control-Allow-Methods") != "" {
					t.Errorf("preflight: %d %v", preflight.status, preflight.header)
				}
				return
			}
			if preflight.status != http.StatusNoContent || preflight.header.Get("Access-Control-Allow-Origin") != tt.want {
				t.Errorf("preflight: %d %v", preflight.status, preflight.header)
			}
			for header, part := range map[string]string{
				"Access-Control-Allow-Methods": "DELETE", "Access-Control-Allow-Headers": "X-API-Key", "Access-Control-Max-Age": "600",
			} {
				if !strings.Contains(preflight.header.Get(header), part) {
					t.Errorf("%s: %q lacks %s", header, preflight.header.Get(header), part)
				}
			}
			if got := f.call(http.MethodOptions, search, "", origin); got.status != http.StatusMethodNotAllowed {
				t.Errorf("OPTIONS that is no preflight: %d", got.status)
			}
		})
	}
}
