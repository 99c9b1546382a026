package main

import (
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// fault is what a front does to each request.
type fault string

const (
	healthy     fault = "none"
	down        fault = "down"
	latency     fault = "1 s latency"
	blackHole   fault = "black hole"
	resets      fault = "reset"
	slowClose   fault = "slow close"
	truncated   fault = "truncated body"
	ended       fault = "ended body"
	tooMany     fault = "429"
	broken      fault = "500"
	hangsInBody fault = "hang in mid-stream"
)

// front stands before a real server, and breaks on command, which a real one does not.
type front struct {
	t       *testing.T
	address string
	way     http.Handler
	server  *http.Server
	mode    atomic.Value // fault
	// asked counts the requests to paths with the suffix counted.
	asked   atomic.Int64
	counted string
	open    sync.Map // connections
}

func newFront(t *testing.T, to, counted string) *front {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = &http.Transport{DisableKeepAlives: true}
	proxy.FlushInterval = -1
	proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) } // who asked has left
	f := &front{t: t, address: "127.0.0.1:0", way: proxy, counted: counted}
	f.mode.Store(down)
	f.set(healthy)
	t.Cleanup(func() { _ = f.server.Close() })
	return f
}

func (f *front) url() string { return "http://" + f.address }

// set changes what happens to requests. One that is down accepts no connection.
func (f *front) set(mode fault) {
	f.t.Helper()
	was := f.mode.Swap(mode)
	switch {
	case mode == down:
		_ = f.server.Close()
	case was == down:
		listener, err := (&net.ListenConfig{}).Listen(f.t.Context(), "tcp", f.address)
		if err != nil {
			f.t.Fatal(err)
		}
		f.address = listener.Addr().String()
		f.server = &http.Server{Handler: f, ReadHeaderTimeout: time.Minute, ConnState: f.follow}
		go func() { _ = f.server.Serve(listener) }()
	}
}

func (f *front) follow(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		f.open.Store(c, true)
	case http.StateClosed, http.StateHijacked:
		f.open.Delete(c)
	case http.StateActive, http.StateIdle:
	}
}

// connections are those that are open.
func (f *front) connections() (n int) {
	f.open.Range(func(any, any) bool { n++; return true })
	return n
}

// ServeHTTP implements http.Handler.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	counted := strings.HasSuffix(r.URL.Path, f.counted)
	if counted {
		f.asked.Add(1)
	}
	response := http.NewResponseController(w)
	switch f.mode.Load() {
	case latency:
		select {
		case <-time.After(time.Second):
		case <-r.Context().Done():
			return
		}
	case blackHole:
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		return
	case resets:
		connection, _, err := response.Hijack()
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		if tcp, ok := connection.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = connection.Close()
		return
	case tooMany: // of the work, as a server does that is busy
		if counted {
			f.refuse(w, r, http.StatusTooManyRequests)
			return
		}
	case broken:
		f.refuse(w, r, http.StatusInternalServerError)
		return
	case slowClose:
		f.way.ServeHTTP(w, r)
		_ = response.Flush()
		select {
		case <-time.After(time.Second):
		case <-r.Context().Done():
		}
		return
	case truncated, ended, hangsInBody:
		f.half(w, r, f.mode.Load() == ended)
		return
	}
	f.way.ServeHTTP(w, r)
}

// refuse answers with a status, and with the real server's headers, by which a client may know it.
func (f *front) refuse(w http.ResponseWriter, r *http.Request, status int) {
	whole := &recorded{header: http.Header{}}
	f.way.ServeHTTP(whole, r)
	maps.Copy(w.Header(), whole.header)
	w.Header().Del("Content-Length")
	w.WriteHeader(status)
}

// half sends half of the answer, then ends it, or hangs, or breaks the connection.
func (f *front) half(w http.ResponseWriter, r *http.Request, end bool) {
	whole := &recorded{header: http.Header{}}
	f.way.ServeHTTP(whole, r)
	maps.Copy(w.Header(), whole.header)
	w.Header().Del("Content-Length")
	if !end {
		w.Header().Set("Content-Length", strconv.Itoa(len(whole.body)))
	}
	w.WriteHeader(whole.status)
	_, _ = w.Write(whole.body[:len(whole.body)/2])
	_ = http.NewResponseController(w).Flush()
	switch {
	case end:
	case f.mode.Load() == hangsInBody:
		<-r.Context().Done()
	default:
		panic(http.ErrAbortHandler)
	}
}

// recorded is an answer that is kept back.
type recorded struct {
	header http.Header
	status int
	body   []byte
}

// Header implements http.ResponseWriter.
func (r *recorded) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *recorded) WriteHeader(status int) { r.status = status }

// Write implements http.ResponseWriter.
func (r *recorded) Write(p []byte) (int, error) {
	r.body = append(r.body, p...)
	return len(p), nil
}
