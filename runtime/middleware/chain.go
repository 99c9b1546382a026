package middleware

import (
	"net/http"
	"slices"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// Middleware wraps a handler.
type Middleware func(http.Handler) http.Handler

// Fail answers a request with an error, and notes the error in the request's RequestInfo.
type Fail func(w http.ResponseWriter, r *http.Request, err error)

// Stack is what the middleware works with. All fields but Tracer are required.
type Stack struct {
	Log     *logging.Log
	Metrics *telemetry.Metrics
	Traffic *telemetry.Traffic
	// Authentication tells who a request comes from.
	Authentication *Authentication
	// CORS is asked for each request of a web page.
	CORS func() config.CORS
	// Fail answers requests that match no route.
	Fail Fail
	// Tracer samples requests; nil for no traces.
	Tracer trace.Tracer
}

// Route is what the middleware knows of a route.
type Route struct {
	// Pattern names the route in logs and metrics.
	Pattern string
	// Endpoint is its name in rateLimits.
	Endpoint string
	// Role is what the caller must have.
	Role rag.Role
	// Timeout bounds the whole request; it is asked for each.
	Timeout func() time.Duration
	// Fail answers requests that come no further than the middleware.
	Fail Fail
}

// Outside wraps a server's handler in what every request passes, outermost first, whether a route matches or not.
func (s *Stack) Outside(h http.Handler) http.Handler {
	return chain(h,
		s.correlate,    // X-Request-Id and traceparent: on every answer, so before anything can answer
		s.accessLog,    // sees the answer of all that is within, a panic's 500 included
		s.recoverPanic, // within accessLog, so that a panic is counted and logged like any failed request
		s.allowOrigins, // before authentication: a preflight carries no key
	)
}

// Inside wraps a route's handler in what a request passes once its route is known, in this order: its time begins, its
// caller is identified (401, 403 and the limit on failed authentication, before a byte of the body is read), and the
// tenant is chosen, which needs the identity. The handler goes on: it reads and validates, takes from the limits
// (Limits.Take) and works, for which it has one budget of waiting for Redis.
func (s *Stack) Inside(h http.Handler, rt Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		info := Of(r)
		info.Route, info.Endpoint = rt.Pattern, rt.Endpoint // first, so that a refusal is counted for its route
		ctx, cancel := withTimeout(r.Context(), rt.Timeout())
		defer cancel()
		err := s.identify(r, rt.Role)
		if err != nil {
			if rag.KindOf(err) == rag.ErrUnauthorized {
				w.Header().Set("Www-Authenticate", `Bearer realm="ragservice"`)
			}
			rt.Fail(w, r, err)
			return
		}
		ctx = resilience.WithRedisBudget(logging.WithUser(ctx, info.User()))
		h.ServeHTTP(w, r.WithContext(ctx))
	})
}

// identify notes who asks, and for which tenant.
func (s *Stack) identify(r *http.Request, role rag.Role) error {
	_, span := telemetry.StartSpan(r.Context(), telemetry.SpanIdentify)
	defer span.End()
	span.String(telemetry.AttributeAuthMode, string(s.Authentication.Mode()))
	info := Of(r)
	id, err := s.Authentication.identify(r, role)
	if err == nil {
		info.Identity = id // so that a refusal is counted for its caller
		err = chooseTenant(&info.Identity, r.URL)
	}
	if err != nil {
		span.String(telemetry.AttributeCode, rag.KindOf(err).Code)
	}
	return err
}

func chain(h http.Handler, outermostFirst ...Middleware) http.Handler {
	for _, wrap := range slices.Backward(outermostFirst) {
		h = wrap(h)
	}
	return h
}
