package httpapi_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// keptConnections is what became of requests on connections that their clients keep, as a pool behind a kube-proxy does.
type keptConnections struct {
	answered, told, lost atomic.Int64
	example              atomic.Value
}

// load posts on one kept connection until the server says that the connection is to be closed. A request lost is one that
// failed on a connection that had answered before.
func (k *keptConnections) load(ctx context.Context, url, body string, headers map[string]string) {
	c := &http.Client{Transport: &http.Transport{}}
	defer c.CloseIdleConnections()
	for ctx.Err() == nil {
		reused := false
		traced := httptrace.WithClientTrace(context.WithoutCancel(ctx), &httptrace.ClientTrace{
			GotConn: func(i httptrace.GotConnInfo) { reused = i.Reused },
		})
		r, err := http.NewRequestWithContext(traced, http.MethodPost, url, strings.NewReader(body))
		if err != nil {
			panic(err)
		}
		for name, value := range headers {
			r.Header.Set(name, value)
		}
		got, err := c.Do(r)
		if err == nil {
			_, err = io.Copy(io.Discard, got.Body)
			_ = got.Body.Close()
		}
		if err != nil {
			if reused {
				k.lost.Add(1)
				k.example.Store(err.Error())
			}
			return
		}
		k.answered.Add(1)
		if got.Close {
			k.told.Add(1)
			return
		}
		time.Sleep(200 * time.Microsecond)
	}
}

// TestDrainLosesNoRequest: 40 clients that post on kept connections are all told to leave, and none loses a request;
// whether or not the server still takes connections for a while.
func TestDrainLosesNoRequest(t *testing.T) {
	const clients = 40
	for _, delay := range []time.Duration{0, 300 * time.Millisecond} {
		t.Run(delay.String(), func(t *testing.T) {
			s := serve(t, delay, 30*time.Second)
			s.config.RateLimits = config.RateLimits{}
			var k keptConnections
			var wg sync.WaitGroup
			for range clients {
				wg.Go(func() {
					k.load(t.Context(), s.url+search, `{"query":"x"}`, map[string]string{"X-API-Key": clientKey, "Content-Type": "application/json"})
				})
			}
			for k.answered.Load() < 10*clients {
				time.Sleep(time.Millisecond)
			}
			s.stop()
			wg.Wait()
			if k.lost.Load() > 0 || k.told.Load() != clients {
				t.Errorf("of %d clients %d were told to close; %d of %d requests were lost: %v",
					clients, k.told.Load(), k.lost.Load(), k.answered.Load()+k.lost.Load(), k.example.Load())
			}
			if err := s.wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestDrainClosesAfterTheAnswer: a request that began before the drain and is answered in it is the last of its connection.
func TestDrainClosesAfterTheAnswer(t *testing.T) {
	s := serve(t, 0, 30*time.Second)
	began, release := make(chan struct{}), make(chan struct{})
	good := s.service.search
	s.service.search = func(ctx context.Context, id rag.Identity, r rag.SearchRequest) (rag.SearchResult, error) {
		close(began)
		<-release
		return good(ctx, id, r)
	}
	answered := make(chan bool)
	go func() { answered <- s.call("POST", search, `{"query":"x"}`).close }()
	<-began
	s.stop()
	for !s.refuses() {
		time.Sleep(time.Millisecond)
	}
	close(release)
	if !<-answered {
		t.Error("the client keeps its connection")
	}
	if err := s.wait(); err != nil {
		t.Error(err)
	}
}

// TestDrainAnswersIdleConnections: a kept connection that lay idle when the drain began still takes a request.
func TestDrainAnswersIdleConnections(t *testing.T) {
	s := serve(t, 0, 30*time.Second)
	began, release := make(chan struct{}), make(chan struct{})
	s.service.ask = func(context.Context, rag.Identity, rag.AskRequest) (rag.Answer, error) {
		close(began)
		<-release // keeps the drain from ending while the test runs on a busy machine
		return rag.Answer{}, nil
	}
	slow := make(chan reply, 1)
	finish := sync.OnceFunc(func() { close(release) })
	var asking sync.WaitGroup
	defer asking.Wait() // also of a test that fails before its end
	defer finish()
	client := &http.Client{Transport: &http.Transport{}}
	post := func(path string) *http.Response {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+path, strings.NewReader(`{"query":"x"}`))
		r.Header.Set("X-API-Key", clientKey)
		r.Header.Set("Content-Type", "application/json")
		got, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, got.Body)
		_ = got.Body.Close()
		return got
	}
	if got := post(search); got.Close { //nolint:bodyclose // post closes it
		t.Fatal("closed before the drain")
	}
	asking.Go(func() { slow <- s.call("POST", ask, `{"query":"x"}`) })
	<-began
	s.stop()
	for !s.refuses() {
		time.Sleep(time.Millisecond)
	}
	if got := post(search); got.StatusCode != http.StatusOK || !got.Close { //nolint:bodyclose // post closes it
		t.Errorf("%d, close %v", got.StatusCode, got.Close)
	}
	finish()
	if got := <-slow; got.status != http.StatusOK || !got.close {
		t.Errorf("%d, close %v", got.status, got.close)
	}
	if err := s.wait(); err != nil {
		t.Error(err)
	}
}

// TestDrainOfAnUpload: an upload whose results are streamed goes on to its end while the server drains.
func TestDrainOfAnUpload(t *testing.T) {
	s := serve(t, 0, 30*time.Second)
	send, body := io.Pipe()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+documents+"?stream=true", send)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-API-Key", adminKey)
	r.Header.Set("Content-Type", "application/x-ndjson")
	go func() { _, _ = io.WriteString(body, "{\"id\":\"0\",\"text\":\"x\"}\n") }()
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	s.stop()
	for !s.refuses() {
		time.Sleep(time.Millisecond)
	}
	for i := range 10 {
		if _, err := fmt.Fprintf(body, "{\"id\":\"%d\",\"text\":\"x\"}\n", i+1); err != nil {
			t.Fatal(err)
		}
	}
	_ = body.Close()
	results, err := io.ReadAll(got.Body)
	if err != nil || !strings.HasSuffix(string(results), `{"created":11,"updated":0,"unchanged":0,"failed":0}`+"\n") {
		t.Errorf("%v: %s", err, results)
	}
	if err := s.wait(); err != nil {
		t.Error(err)
	}
}
