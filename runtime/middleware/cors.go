package middleware

import (
	"net/http"
	"slices"
	"strings"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

const (
	// corsMethods and corsHeaders are what pages may send; keys travel in headers, never in cookies.
	corsMethods = "GET, POST, DELETE"
	corsHeaders = "Authorization, X-API-Key, Content-Type, Cache-Control, X-Request-Id, Traceparent, Tracestate"
	// corsExposed are the headers of answers that pages may read.
	corsExposed = "X-Request-Id, Traceparent, X-Cache, Age, Retry-After, RateLimit, RateLimit-Policy, " +
		"X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset"
	// corsMaxAge is how long a browser may remember a preflight, in seconds: an origin that was removed is refused then.
	corsMaxAge = "600"
)

// allowOrigins lets the web pages of the configured origins read answers (CORS), and answers their preflights. Without
// origins it does nothing, and browsers keep answers from pages of other origins.
func (s *Stack) allowOrigins(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		if origin == "" {
			next.ServeHTTP(w, r)
			return
		}
		allowed := allowedOrigin(s.CORS(), origin)
		if len(s.CORS().AllowedOrigins) > 0 {
			w.Header().Add("Vary", "Origin")
		}
		if allowed == "" {
			next.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", allowed)
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			h.Set("Access-Control-Allow-Methods", corsMethods)
			h.Set("Access-Control-Allow-Headers", corsHeaders)
			h.Set("Access-Control-Max-Age", corsMaxAge)
			w.WriteHeader(http.StatusNoContent)
			return
		}
		h.Set("Access-Control-Expose-Headers", corsExposed)
		next.ServeHTTP(w, r)
	})
}

// allowedOrigin is the value of Access-Control-Allow-Origin for origin; empty when it is not allowed.
func allowedOrigin(c config.CORS, origin string) string {
	switch {
	case slices.Contains(c.AllowedOrigins, config.AnyOrigin):
		return config.AnyOrigin
	case slices.ContainsFunc(c.AllowedOrigins, func(o string) bool { return strings.EqualFold(o, origin) }):
		return origin
	default:
		return ""
	}
}
