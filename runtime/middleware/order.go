package middleware

import (
	"net/http"
	"slices"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// Middleware wraps a handler.
type Middleware func(http.Handler) http.Handler

// Stack is what the middleware works with. All fields are required.
type Stack struct {
	Log     *logging.Log
	Metrics *telemetry.Metrics
	Traffic *telemetry.Traffic
	// Identity tells who a request comes from.
	Identity *Identifier
	// Fail answers a request with an error. It notes the error in the request's Exchange.
	Fail func(w http.ResponseWriter, r *http.Request, err error)
}

// Outside wraps a server's handler in what every request passes, outermost first, whether a route matches or not.
func (s *Stack) Outside(h http.Handler) http.Handler {
	return chain(h,
		correlate, // X-Request-Id and traceparent: on every answer, so before anything can answer
		s.access,  // sees the answer of all that is within, a panic's 500 included
		s.rescue,  // within access, so that a panic is counted and logged like any failed request
	)
}

// Inside wraps a route's handler in what a request passes once its route is known, outermost first. The handler itself
// goes on with the order: read and validate the request, take from the limits (Limits.Take), then cache and work.
func (s *Stack) Inside(h http.Handler, route string, role rag.Role, deadline time.Duration) http.Handler {
	return chain(h,
		name(route),      // so that a refusal by those below is counted for its route
		within(deadline), // bounds all that follows
		s.identify(role), // 401, 403 and the limit on failed authentication, before a byte of the body is read
		s.chooseTenant(), // needs the identity
		budgetRedis,      // shared by the limits and the cache, which the handler comes to
	)
}

func chain(h http.Handler, outermostFirst ...Middleware) http.Handler {
	for _, wrap := range slices.Backward(outermostFirst) {
		h = wrap(h)
	}
	return h
}
