package middleware

import (
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// maxRequestID is the longest id that is taken over from a caller, in bytes.
const maxRequestID = 128

// correlate gives each request an id (the caller's when it is sane) and a span of a trace, and tells both in the answer.
func (s *Stack) correlate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if !isSaneRequestID(id) {
			id = uuid.NewString()
		}
		traced, span := telemetry.StartRequest(r.Context(), r, s.Tracer)
		defer span.End()
		ctx := &requestContext{Context: traced, info: RequestInfo{RequestID: id}}
		w.Header().Set("X-Request-Id", id)
		telemetry.InjectTrace(ctx, w.Header())
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// isSaneRequestID says whether an id may go into the log and back.
func isSaneRequestID(id string) bool {
	return id != "" && len(id) <= maxRequestID && !strings.ContainsFunc(id, func(r rune) bool {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return false
		default:
			return !strings.ContainsRune("._:+/=-", r)
		}
	})
}
