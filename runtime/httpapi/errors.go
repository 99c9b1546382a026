package httpapi

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/middleware"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// Kinds of errors that only HTTP knows.
var (
	errMalformed        = &rag.Kind{Code: "malformed_json"}
	errNotFound         = &rag.Kind{Code: "not_found"}
	errMethodNotAllowed = &rag.Kind{Code: "method_not_allowed"}
	errTooLarge         = &rag.Kind{Code: "body_too_large"}
	errMediaType        = &rag.Kind{Code: "unsupported_media_type"}
)

// statuses maps the code of an error to the status of its answer. A code that is not here is 500 internal.
var statuses = map[string]int{
	rag.ErrInvalidQuery.Code:      http.StatusBadRequest,
	errMalformed.Code:             http.StatusBadRequest,
	rag.ErrUnauthorized.Code:      http.StatusUnauthorized,
	rag.ErrForbidden.Code:         http.StatusForbidden,
	rag.ErrPaperNotFound.Code:     http.StatusNotFound,
	errNotFound.Code:              http.StatusNotFound,
	errMethodNotAllowed.Code:      http.StatusMethodNotAllowed,
	errTooLarge.Code:              http.StatusRequestEntityTooLarge,
	errMediaType.Code:             http.StatusUnsupportedMediaType,
	rag.ErrValidation.Code:        http.StatusUnprocessableEntity,
	rag.ErrRateLimit.Code:         http.StatusTooManyRequests,
	rag.ErrBudget.Code:            http.StatusTooManyRequests,
	rag.ErrLLMBadAnswer.Code:      http.StatusBadGateway,
	rag.ErrSearchUnavailable.Code: http.StatusServiceUnavailable,
	rag.ErrLLMUnavailable.Code:    http.StatusServiceUnavailable,
	rag.ErrOverloaded.Code:        http.StatusServiceUnavailable,
	rag.ErrSearchTimeout.Code:     http.StatusGatewayTimeout,
	rag.ErrLLMTimeout.Code:        http.StatusGatewayTimeout,
}

const (
	// clientClosed is what the log and the metrics call a request whose client left before the answer; 499 is nginx's
	// status for it. Nobody receives it.
	clientClosed       = "client_closed"
	statusClientClosed = 499
	// retryUnavailable is the advice where the error has none.
	retryUnavailable = 5 * time.Second
)

// errShutdown is the cause with which the server ends requests that outlast its drain.
var errShutdown = errors.New("the server is shutting down")

// problem is an error as the caller sees it.
type problem struct {
	status  int
	code    string
	message string
	// traceID is that of the request; empty for one document of many.
	traceID    string
	details    map[string]any
	retryAfter time.Duration
}

// explain maps an error that ended a request. What is not known shows nothing of itself. A fault of the request stays one
// when the connection is gone as well; an error of the service may then be no more than the echo of that.
func explain(ctx context.Context, err error) problem {
	p := explainKind(err)
	timeout, timedOut := errors.AsType[*middleware.TimeoutError](context.Cause(ctx))
	switch {
	case p.status < http.StatusInternalServerError:
	case errors.Is(context.Cause(ctx), errShutdown):
		p = problem{
			status:     http.StatusServiceUnavailable,
			code:       rag.ErrOverloaded.Code,
			message:    "the server is shutting down: try again",
			retryAfter: time.Second,
		}
	case errors.Is(ctx.Err(), context.Canceled):
		p = problem{status: statusClientClosed, code: clientClosed}
	case p.code == rag.ErrRAG.Code && errors.Is(err, context.DeadlineExceeded):
		p = problem{
			status:     http.StatusServiceUnavailable,
			code:       rag.ErrOverloaded.Code,
			message:    "the request took too long",
			retryAfter: retryUnavailable,
		}
	case p.status == http.StatusGatewayTimeout && timedOut && p.details["timeout_seconds"] == nil:
		p.details = maps.Clone(p.details) // the request's own time was over before that of the dependency
		if p.details == nil {
			p.details = map[string]any{}
		}
		p.details["timeout_seconds"] = timeout.After.Seconds()
	}
	p.traceID = telemetry.TraceID(ctx)
	return p
}

// explainKind maps an error by its kind alone: that of a request, or of one document of many.
func explainKind(err error) problem {
	var e *rag.Error
	if !errors.As(err, &e) || statuses[e.Kind.Code] == 0 {
		return problem{status: http.StatusInternalServerError, code: rag.ErrRAG.Code, message: "an internal error occurred"}
	}
	p := problem{
		status:     statuses[e.Kind.Code],
		code:       e.Kind.Code,
		message:    e.Message,
		details:    e.Details,
		retryAfter: e.RetryAfter,
	}
	if p.status == http.StatusServiceUnavailable && p.retryAfter <= 0 {
		p.retryAfter = retryUnavailable
	}
	return p
}

// envelope is the body of an answer that is an error. Message and RetryAfter beside it are there for 429 alone.
type envelope struct {
	Error      errorBody `json:"error"`
	Message    string    `json:"message,omitempty"`
	RetryAfter int       `json:"retry_after,omitempty"`
}

type errorBody struct {
	Code    string         `json:"code"`
	Message string         `json:"message"`
	TraceID string         `json:"trace_id,omitempty"`
	Details map[string]any `json:"details,omitempty"`
}

func (p problem) body() errorBody {
	return errorBody{Code: p.code, Message: p.message, TraceID: p.traceID, Details: p.details}
}

func (p problem) envelope() envelope {
	e := envelope{Error: p.body()}
	if p.status == http.StatusTooManyRequests {
		e.Message, e.RetryAfter = p.message, middleware.Seconds(p.retryAfter)
	}
	return e
}

// fail answers a request with an error.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	p := note(r, err)
	p.write(w, p.envelope())
}

// note leaves the error to the access log and returns how the caller shall see it.
func note(r *http.Request, err error) problem {
	p := explain(r.Context(), err)
	e := middleware.Of(r)
	e.Code, e.Err, e.Failed = p.code, err, p.status >= http.StatusInternalServerError
	return p
}

// write answers with the problem's status and headers, and a body that holds its envelope.
func (p problem) write(w http.ResponseWriter, body any) {
	if p.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(middleware.Seconds(p.retryAfter)))
	}
	if p.status == http.StatusRequestEntityTooLarge {
		w.Header().Set("Connection", "close") // do not read on only to throw it away
	}
	data, err := encode(body)
	if err != nil { // details that are no JSON are a bug; the code still tells the caller what to do
		p.details = nil
		data, _ = encode(p.envelope())
	}
	writeBody(w, p.status, data)
}

// aboutRequest says of which part of a request with this body and query an error is: faults come in the order of the
// body's fields, and an error of the search or of the model has the query in its details, as the caller sent it.
func aboutRequest(err error, query string, body []byte) error {
	var e *rag.Error
	if !errors.As(err, &e) {
		return err
	}
	if e.Kind == rag.ErrValidation {
		return inRequestOrder(e, body)
	}
	if !errors.Is(e, rag.ErrSearch) && !errors.Is(e, rag.ErrLLM) {
		return err
	}
	with := *e
	with.Details = maps.Clone(e.Details)
	if with.Details == nil {
		with.Details = map[string]any{}
	}
	with.Details["query"] = query
	return &with
}
