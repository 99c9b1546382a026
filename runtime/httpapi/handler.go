package httpapi

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/admission"
	"github.com/ragservice/ragservice-operator/runtime/middleware"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// handler answers a request. It may return an error as long as it has answered nothing. It has the request admitted once, when that
// was read and found valid and before any work: what is refused before costs the caller nothing.
type handler func(w http.ResponseWriter, r *http.Request, c call) error

// call is what a handler gets from its route.
type call struct {
	// enter waits for the request's turn, take takes it from the limits of its route.
	enter   func(ctx context.Context) error
	take    func(ctx context.Context, cache rag.CacheInfo) error
	dialect dialect
}

// admit enters and takes, for a request without a cache.
func (c call) admit(ctx context.Context) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	return c.take(ctx, rag.CacheInfo{})
}

// dialect is how a family of routes reads requests, tells of errors and sends streams.
type dialect struct {
	// decode reads a body that is one JSON object, and says what becomes of fields that are not known.
	decode func(data []byte, what string, f fields, member func(d *decoder, name string)) error
	fail   middleware.Fail
	// stream begins a stream that says every pause that it is alive; 0 for the dialect's own.
	stream func(w http.ResponseWriter, pause time.Duration) *eventStream
}

// native is the dialect of /api/v1: a request is taken at its word, errors come in an envelope, events have names.
var native = dialect{decode: decode, fail: fail, stream: newEventStream}

// serve runs a route's handler.
func (a *API) serve(rt route, limits *middleware.Limits) http.Handler {
	run := func(w http.ResponseWriter, r *http.Request) error {
		if err := checkParams(r, rt.params); err != nil {
			return err
		}
		entered := false
		defer func() {
			if entered {
				a.gate.Leave()
			}
		}()
		return rt.handle(w, r, call{
			enter: func(context.Context) error {
				err := a.enter(r, rt)
				entered = err == nil // until the answer is written
				return err
			},
			take: func(_ context.Context, cache rag.CacheInfo) error {
				return limits.Take(w, r, rt.limit, cache.Outcome == rag.CacheHit)
			},
			dialect: rt.dialect,
		})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := run(w, r); err != nil {
			rt.dialect.fail(w, r, err)
		}
	})
}

// WarmUp waits for the turn of a question that nobody waits for, after those of callers; end gives the turn back. Handler comes before.
func (a *API) WarmUp(ctx context.Context) (end func(), err error) {
	return a.gate.Leave, a.gate.Enter(ctx, admission.WarmUp)
}

// Waiting is how many requests wait for their turn. Handler comes before.
func (a *API) Waiting() int { return a.gate.Waiting() }

// enter waits for the request's turn among all that the server works on. What is refused has taken nothing from the limits.
func (a *API) enter(r *http.Request, rt route) error {
	ctx, span := telemetry.StartSpan(r.Context(), telemetry.SpanAdmit)
	defer span.End()
	err := a.gate.Enter(ctx, rt.priority)
	if !errors.Is(err, admission.ErrFull) {
		return err
	}
	a.Metrics.Shed(rt.limit)
	return &rag.Error{
		Kind:       rag.ErrOverloaded,
		Message:    "the server has too many requests: try again",
		RetryAfter: max(time.Second, a.Config().Resilience.OrDefault().QueueTimeout.D()),
		Cause:      err,
	}
}

// checkParams refuses query parameters that the route does not know: a misspelt refresh=false must not be overlooked.
func checkParams(r *http.Request, known []string) error {
	if r.URL.RawQuery == "" {
		return nil
	}
	params, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return rag.Invalid(rag.FieldError{Field: "?", Reason: "is not a well-formed query string"})
	}
	var faults faults
	for _, name := range slices.Sorted(maps.Keys(params)) {
		switch {
		case name != "tenant" && !slices.Contains(known, name):
			faults.add(name, "is not a known query parameter")
		case len(params[name]) > 1:
			faults.add(name, "must be given once")
		}
	}
	return faults.err()
}

// flag reads a query parameter that is true or false.
func flag(r *http.Request, name string, byDefault bool) (bool, error) {
	switch value := r.URL.Query().Get(name); {
	case !r.URL.Query().Has(name):
		return byDefault, nil
	case value == "true":
		return true, nil
	case value == "false":
		return false, nil
	default:
		return false, rag.Invalid(rag.FieldError{Field: name, Reason: "must be true or false"})
	}
}
