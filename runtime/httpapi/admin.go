package httpapi

import (
	"net/http"

	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// Admin is the second port: for the kubelet, Prometheus and the operator, never for callers. It has no authentication; a
// NetworkPolicy says who reaches it.
type Admin struct {
	// Statusz is what the server says of itself; Ready in it decides /readyz.
	Statusz func() telemetry.Statusz
	Metrics http.Handler
}

// handler answers with ready as it is while the server does not drain.
func (a Admin) handler(draining func() bool) http.Handler {
	status := func() telemetry.Statusz {
		s := a.Statusz()
		s.Ready = s.Ready && !draining()
		return s
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if status().Ready {
			say(w, http.StatusOK, "ready")
			return
		}
		say(w, http.StatusServiceUnavailable, "not ready")
	})
	mux.Handle("GET /metrics", a.Metrics)
	mux.HandleFunc("GET /statusz", func(w http.ResponseWriter, _ *http.Request) {
		if err := answer(w, status()); err != nil {
			http.Error(w, "no status", http.StatusInternalServerError)
		}
	})
	return mux
}

func say(w http.ResponseWriter, status int, word string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(word + "\n"))
}
