package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/logging"
)

// Timeouts of connections.
const (
	headerTimeout = 10 * time.Second
	// readTimeout is for a whole request; an upload of documents gets more as it goes on.
	readTimeout = 30 * time.Second
	// responseTimeout is a request's deadline and the time to send its answer; streams get more as they go on.
	responseTimeout = requestTimeout + writeTimeout
	idleTimeout     = 2 * time.Minute
	maxHeaderBytes  = 64 << 10
)

// Server serves the API and the admin port until it is told to end, and then drains.
type Server struct {
	API   http.Handler
	Admin Admin
	Log   *logging.Log
	// DrainDelay is how long the server goes on taking connections after it has said that it is not ready: until whoever
	// sends them has noticed. 5 s suit a kube-proxy; 0 where nobody asks whether it is ready.
	DrainDelay time.Duration
	// DrainTimeout is how long requests then have to end, streams included. config.EndTimeout is what all of it takes in a pod.
	DrainTimeout time.Duration
}

// ErrCut says that the drain ended before all requests did.
var ErrCut = errors.New("requests were cut off at the end of the drain")

// Serve takes over both listeners. When ctx ends it drains and returns nil, or ErrCut. The admin port answers until the
// end, so that the drain can be watched.
func (s *Server) Serve(ctx context.Context, api, admin net.Listener) error {
	var d drain
	requests, cancelRequests := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancelRequests(nil)
	apiServer, adminServer := s.server(requests, d.wrap(s.API)), s.server(requests, s.Admin.handler(d.draining.Load))
	apiServer.ConnState = d.count
	defer func() { _ = adminServer.Close() }()

	failed := make(chan error, 2)
	serve := func(server *http.Server, l net.Listener) {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("serve %s: %w", l.Addr(), err)
		}
	}
	go serve(apiServer, api)
	go serve(adminServer, admin)
	select {
	case err := <-failed:
		_ = apiServer.Close()
		return err
	case <-ctx.Done():
	}
	d.begin()
	return s.drainAndStop(apiServer, api, &d, cancelRequests)
}

func (s *Server) server(requests context.Context, h http.Handler) *http.Server {
	return &http.Server{
		Handler:                      h,
		BaseContext:                  func(net.Listener) context.Context { return requests },
		ReadHeaderTimeout:            headerTimeout,
		ReadTimeout:                  readTimeout,
		WriteTimeout:                 responseTimeout,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeaderBytes,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     log.New(connectionLog{s.Log}, "", 0),
	}
}

// connectionLog is where net/http tells of connections that broke: the business of their clients.
type connectionLog struct{ log *logging.Log }

func (c connectionLog) Write(line []byte) (int, error) {
	c.log.Write(context.Background(), logging.ConnectionFailed{Err: errors.New(strings.TrimSpace(string(line)))})
	return len(line), nil
}
