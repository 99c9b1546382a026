package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/logging"
)

const (
	// drainPoll is how often a drain looks whether it may go on.
	drainPoll = 5 * time.Millisecond
	// keepAliveQuiet is how long a kept connection may lie idle at the end of a drain before it is closed. HTTP/1.1 cannot
	// take back a connection: a request that its client sends at the moment of closing is lost. After a second of silence
	// that is rare, and each connection that speaks within it is answered and told to close.
	keepAliveQuiet = time.Second
)

// drain counts the connections and requests of a server, and tells clients to leave once it has begun.
type drain struct {
	draining atomic.Bool
	// connections are those that are open, requests those in work.
	connections, requests atomic.Int64
	// lastRequest is when a request ended last, in nanoseconds since 1970; kept while draining.
	lastRequest atomic.Int64
}

// begin makes every answer from now on the last of its connection.
func (d *drain) begin() {
	d.lastRequest.Store(time.Now().UnixNano())
	d.draining.Store(true)
}

// count is the server's ConnState.
func (d *drain) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		d.connections.Add(1)
	case http.StateClosed, http.StateHijacked:
		d.connections.Add(-1)
	case http.StateActive, http.StateIdle:
	}
}

// wrap counts the requests of h, and closes their connections once the drain has begun: a client that keeps its
// connection would stay with this server until the connection breaks under a request.
func (d *drain) wrap(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.requests.Add(1)
		defer func() {
			if d.draining.Load() {
				d.lastRequest.Store(time.Now().UnixNano())
			}
			d.requests.Add(-1)
		}()
		h.ServeHTTP(&closingWriter{ResponseWriter: w, drain: d}, r)
	})
}

// settled says that no connection is left, or that all have been idle for long enough to be closed.
func (d *drain) settled() bool {
	if d.connections.Load() == 0 {
		return true
	}
	return d.requests.Load() == 0 && time.Since(time.Unix(0, d.lastRequest.Load())) >= keepAliveQuiet
}

// wait returns when the connections have settled, or ctx has ended.
func (d *drain) wait(ctx context.Context) {
	tick := time.NewTicker(drainPoll)
	defer tick.Stop()
	for !d.settled() {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// closingWriter decides when the headers are sent, not when the request begins: what began before the drain and answers
// in it closes its connection as well.
type closingWriter struct {
	http.ResponseWriter
	drain *drain
	sent  bool
}

// WriteHeader adds Connection: close while draining.
func (w *closingWriter) WriteHeader(status int) {
	if !w.sent && status >= http.StatusOK {
		w.sent = true
		if w.drain.draining.Load() {
			w.Header().Set("Connection", "close")
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write sends the headers first.
func (w *closingWriter) Write(b []byte) (int, error) {
	if !w.sent {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *closingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// drainAndStop ends a server without losing a request, in three steps:
//
//   - For DrainDelay it goes on taking connections, since those who send them have yet to notice that it is not ready.
//   - Then it takes no new ones and waits until the clients of kept connections have left. All the while every answer says
//     Connection: close.
//   - What is left after that is idle and is closed; what still runs at the end of DrainTimeout is told so and cut off.
func (s *Server) drainAndStop(server *http.Server, l net.Listener, d *drain, cancelRequests context.CancelCauseFunc) error {
	s.Log.Write(context.Background(), logging.ServerDraining{
		Delay:       s.DrainDelay,
		Timeout:     s.DrainTimeout,
		Connections: d.connections.Load(),
		Requests:    d.requests.Load(),
	})
	time.Sleep(s.DrainDelay)
	_ = l.Close() // an error says that it is closed already
	ctx, cancel := context.WithTimeout(context.Background(), s.DrainTimeout)
	defer cancel()
	d.wait(ctx)
	err := server.Shutdown(ctx)                      // closes what is idle whether or not there is time left
	if err == nil || errors.Is(err, net.ErrClosed) { // all have ended; the listener was closed already
		return nil
	}
	cancelRequests(errShutdown)
	if shutdown(server, config.CutTimeout) != nil {
		_ = server.Close()
	}
	return fmt.Errorf("%w: %w", ErrCut, err)
}

func shutdown(server *http.Server, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return server.Shutdown(ctx)
}
