package httpapi_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/httpapi"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// serving is a whole server on two ports.
type serving struct {
	*fixture
	admin string
	// stop begins the drain, ended has what Serve returned.
	stop  context.CancelFunc
	ended chan error
}

func serve(t *testing.T, delay, drain time.Duration) *serving {
	t.Helper()
	f := build(t)
	s := &serving{fixture: f, ended: make(chan error, 1)}
	server := &httpapi.Server{
		API: f.handler,
		Admin: httpapi.Admin{
			Statusz: func() telemetry.Statusz {
				return telemetry.Statusz{Ready: true, ConfigHash: "abc", WindowSeconds: 300, Cache: f.api.Traffic.Recent()}
			},
			Metrics: f.api.Metrics.Handler(),
		},
		Log: f.api.Log, DrainDelay: delay, DrainTimeout: drain,
	}
	ctx, stop := context.WithCancel(t.Context())
	s.stop = stop
	api, admin := listen(t), listen(t)
	f.url, s.admin = "http://"+api.Addr().String(), "http://"+admin.Addr().String()
	go func() { s.ended <- server.Serve(ctx, api, admin) }()
	t.Cleanup(stop)
	return s
}

func (s *serving) get(path string) reply {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), http.MethodGet, s.admin+path, nil)
	if err != nil {
		s.Fatal(err)
	}
	return s.do(r)
}

// wait returns what Serve returned.
func (s *serving) wait() error {
	s.Helper()
	select {
	case err := <-s.ended:
		return err
	case <-time.After(20 * time.Second):
		s.Fatal("the server does not end")
		return nil
	}
}

func TestAdminPort(t *testing.T) {
	s := serve(t, 0, time.Second)
	s.call("POST", search, `{"query":"x"}`)
	for path, want := range map[string]string{"/healthz": "ok\n", "/readyz": "ready\n"} {
		if got := s.get(path); got.status != 200 || got.body != want {
			t.Errorf("%s: %d %q", path, got.status, got.body)
		}
	}
	var status telemetry.Statusz
	s.get("/statusz").decode(t, &status)
	want := telemetry.Statusz{Ready: true, ConfigHash: "abc", WindowSeconds: 300, Cache: []telemetry.CacheCount{{Kind: "search", Misses: 1},
		{Kind: "llm"}}}
	if diff := cmp.Diff(want, status); diff != "" {
		t.Error(diff)
	}
	metrics := s.get("/metrics").body
	for _, want := range []string{
		`http_server_request_duration_seconds_count{http_request_method="POST",http_response_status_code="200",http_route="/api/v1/search"} 1`,
		`ragservice_cache_requests_total{kind="search",outcome="MISS"} 1`,
		`ragservice_ratelimit_decisions_total{decision="admitted",endpoint="search",source="local",tier="free"} 1`,
		`ragservice_build_info{version="test"} 1`,
	} {
		if !strings.Contains(metrics, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	if got := s.call("GET", "/metrics", ""); got.status != 404 {
		t.Errorf("the API serves metrics: %d", got.status)
	}
	s.stop()
	if err := s.wait(); err != nil {
		t.Error(err)
	}
}

// TestDrain: readiness flips first, requests are taken for a while, those in flight end well.
func TestDrain(t *testing.T) {
	s := serve(t, 300*time.Millisecond, 10*time.Second)
	release := make(chan struct{})
	s.service.stream = func(_ context.Context, _ rag.Identity, _ rag.AskRequest, e rag.StreamEvents) (rag.Answer, error) {
		_ = e.Meta(rag.StreamMeta{})
		<-release
		return rag.Answer{}, nil
	}
	body := s.open(t.Context())
	s.stop()
	for s.get("/readyz").status != 503 {
		time.Sleep(time.Millisecond)
	}
	if got := s.call("POST", search, `{"query":"x"}`); got.status != 200 {
		t.Errorf("a request during the delay: %d", got.status)
	}
	for !s.refuses() {
		time.Sleep(time.Millisecond)
	}
	if got := s.get("/healthz"); got.status != 200 {
		t.Errorf("healthz during the drain: %d", got.status)
	}
	close(release)
	if events := readEvents(t, body); len(events) == 0 || events[len(events)-1].name != "done" {
		t.Errorf("the stream ended with %v", events)
	}
	if err := s.wait(); err != nil {
		t.Error(err)
	}
}

// refuses says whether the API port takes no new connection.
func (s *serving) refuses() bool {
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, _ := http.NewRequestWithContext(s.Context(), http.MethodGet, s.url, nil)
	got, err := c.Do(r)
	if err == nil {
		_ = got.Body.Close()
	}
	return err != nil
}

// TestDrainDeadline: a stream that outlasts the drain is told so.
func TestDrainDeadline(t *testing.T) {
	s := serve(t, 0, 50*time.Millisecond)
	s.service.stream = func(ctx context.Context, _ rag.Identity, _ rag.AskRequest, e rag.StreamEvents) (rag.Answer, error) {
		_ = e.Meta(rag.StreamMeta{})
		<-ctx.Done()
		return rag.Answer{}, ctx.Err()
	}
	body := bufio.NewReader(s.open(t.Context()))
	if first, err := body.ReadString('\n'); err != nil || first != "event: meta\n" {
		t.Fatalf("%q %v", first, err)
	}
	s.stop()
	if rest, err := io.ReadAll(body); err != nil || !strings.Contains(string(rest), `"code":"overloaded"`) {
		t.Errorf("%q %v", rest, err)
	}
	if err := s.wait(); !errors.Is(err, httpapi.ErrCut) {
		t.Errorf("%v", err)
	}
}

func TestListenerFails(t *testing.T) {
	f := build(t)
	api, admin := listen(t), listen(t)
	_ = api.Close()
	server := &httpapi.Server{API: f.handler, Admin: httpapi.Admin{Metrics: f.api.Metrics.Handler()}, Log: f.api.Log}
	if err := server.Serve(t.Context(), api, admin); err == nil {
		t.Error("a server without a port runs")
	}
}

// lateListener notices that it was closed when it is closed again: as one does whose goroutine has not run in between.
type lateListener struct {
	net.Listener
	closed atomic.Int64
	again  chan struct{}
}

func (l *lateListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.again
	}
	return c, err
}

func (l *lateListener) Close() error {
	if l.closed.Add(1) == 2 {
		close(l.again)
	}
	return l.Listener.Close()
}

// TestListenerClosedTwice: a drain whose listener is still known to the server when it stops has cut off nobody.
func TestListenerClosedTwice(t *testing.T) {
	f := build(t)
	api := &lateListener{Listener: listen(t), again: make(chan struct{})}
	server := &httpapi.Server{API: f.handler, Admin: httpapi.Admin{Metrics: f.api.Metrics.Handler()}, Log: f.api.Log, DrainTimeout: time.Minute}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, api, listen(t)) }()
	answer, err := http.Get("http://" + api.Addr().String() + "/")
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	stop()
	if err := <-ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
}

// TestHeadersAreBounded: a request cannot fill the memory before it has said who asks.
func TestHeadersAreBounded(t *testing.T) {
	s := serve(t, 0, time.Second)
	if got := s.call("GET", "/api/v1/stats", "", "X-Much: "+strings.Repeat("x", 60<<10)); got.status != http.StatusOK {
		t.Errorf("60 KiB of headers: %d", got.status)
	}
	if got := s.call("GET", "/api/v1/stats", "", "X-Much: "+strings.Repeat("x", 80<<10)); got.status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("80 KiB of headers: %d", got.status)
	}
}
