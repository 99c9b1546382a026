package middleware

import (
	"net/http"
	"regexp"

	"github.com/google/uuid"

	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// saneRequestID is what is taken over from a caller: it goes into the log and back.
var saneRequestID = regexp.MustCompile(`^[A-Za-z0-9._:+/=-]{1,128}$`)

// correlate gives each request an id (the caller's when it is sane) and a span of a trace, and tells both in the answer.
func correlate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if !saneRequestID.MatchString(id) {
			id = uuid.NewString()
		}
		ctx := telemetry.ContinueTrace(r.Context(), r.Header)
		w.Header().Set("X-Request-Id", id)
		telemetry.InjectTrace(ctx, w.Header())
		next.ServeHTTP(w, r.WithContext(withExchange(ctx, &Exchange{RequestID: id})))
	})
}
