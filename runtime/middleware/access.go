package middleware

import (
	"errors"
	"net/http"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// access counts and logs each request when it ends.
func (s *Stack) access(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		answer := &recorder{ResponseWriter: w}
		s.Metrics.InFlight(1)
		defer func() {
			s.Metrics.InFlight(-1)
			s.conclude(r, answer, time.Since(start))
		}()
		next.ServeHTTP(answer, r)
	})
}

func (s *Stack) conclude(r *http.Request, answer *recorder, took time.Duration) {
	e := Of(r)
	s.Metrics.Request(r.Method, e.Route, answer.status(), took)
	if e.Code != "" {
		s.Metrics.Error(e.Code)
	}
	if e.Identity.Name != "" {
		s.Traffic.Request(e.Identity.Tenant, e.Failed)
	}
	if e.CacheOutcome != "" {
		s.Metrics.CacheResult(e.CacheKind, string(e.CacheOutcome))
		if e.CacheOutcome != rag.CacheBypass {
			s.Traffic.Cache(e.Identity.Tenant, e.CacheKind, e.CacheOutcome == rag.CacheHit)
		}
	}
	s.log(r, e, answer, took)
}

// log writes a line for each request, and one at ERROR before it when the service failed.
func (s *Stack) log(r *http.Request, e *Exchange, answer *recorder, took time.Duration) {
	ctx := logging.WithUser(r.Context(), e.Identity.Name)
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
		QueryHash: e.QueryHash,
		Cache:     string(e.CacheOutcome),
		Age:       e.CacheAge,
		Bytes:     answer.bytes,
		Took:      took,
	})
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	code  int
	bytes int64
}

// status is what the client got: net/http answers 200 for a handler that writes nothing.
func (w *recorder) status() int {
	if w.code == 0 {
		return http.StatusOK
	}
	return w.code
}

func (w *recorder) started() bool { return w.code != 0 }

// WriteHeader notes the first status that is not an informational one.
func (w *recorder) WriteHeader(code int) {
	if w.code == 0 && code >= http.StatusOK {
		w.code = code
	}
	w.ResponseWriter.WriteHeader(code)
}

// Write counts bytes.
func (w *recorder) Write(b []byte) (int, error) {
	if w.code == 0 {
		w.code = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
