package middleware

import (
	"errors"
	"net/http"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// accessLog counts and logs each request when it ends.
func (s *Stack) accessLog(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		answer := &recorder{ResponseWriter: w}
		s.Metrics.InFlight(1)
		defer func() {
			s.Metrics.InFlight(-1)
			s.record(r, answer, time.Since(start))
		}()
		next.ServeHTTP(answer, r)
	})
}

func (s *Stack) record(r *http.Request, answer *recorder, took time.Duration) {
	e := Of(r)
	s.Metrics.Request(r.Context(), r.Method, e.Route, answer.status(), took)
	telemetry.RequestSpan(r.Context()).Answered(r, telemetry.Answer{
		Route: e.Route, Status: answer.status(), Code: e.Code, Failed: e.Failed,
		CacheKind: e.CacheKind, CacheOutcome: string(e.CacheOutcome), Tier: e.Identity.Tier,
	})
	if e.Code != "" {
		s.Metrics.Error(e.Code)
	}
	switch {
	case e.Identity.Name != "":
		s.Traffic.Request(e.Identity.Tenant, e.Failed)
	case e.Failed:
		s.Traffic.Unidentified()
	}
	if e.CacheOutcome != "" {
		s.Metrics.CacheResult(e.CacheKind, string(e.CacheOutcome))
		s.Traffic.Cache(e.Identity.Tenant, e.CacheKind, string(e.CacheOutcome), e.CacheLayer)
		if e.Code == "" {
			s.Traffic.Answered(e.Endpoint, max(0, took-e.ModelTook))
		}
	}
	s.log(r, e, answer, took)
}

// log writes a line for each request, and one at ERROR before it when the service failed.
func (s *Stack) log(r *http.Request, e *RequestInfo, answer *recorder, took time.Duration) {
	ctx := logging.WithUser(r.Context(), e.User())
	if e.Failed {
		s.Log.Write(ctx, logging.RequestFailed{
			RequestID: e.RequestID,
			Route:     e.Route,
			Code:      e.Code,
			Model:     errors.Is(e.Err, rag.ErrLLM),
			Err:       e.Err,
		})
	}
	s.Log.Write(ctx, logging.RequestCompleted{
		RequestID: e.RequestID,
		Method:    r.Method,
		Route:     e.Route,
		Status:    answer.status(),
		Code:      e.Code,
		Refusal:   refusal(e.Err),
		Query:     e.Query,
		Cache:     string(e.CacheOutcome),
		Age:       e.CacheAge,
		Bytes:     answer.bytes,
		Took:      took,
	})
}

// refusal is the cause of a refusal for which the caller is not known; it holds nothing of a credential.
func refusal(err error) error {
	if e, ok := errors.AsType[*rag.Error](err); ok && e.Kind == rag.ErrUnauthorized {
		return e.Cause
	}
	return nil
}
