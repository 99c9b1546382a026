package tracing_test

import (
	"context"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/tracing"
)

// told is what a Tracing has said.
type told struct {
	mu     sync.Mutex
	spans  map[string]int
	health []string
}

func (t *told) onSpans(outcome string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.spans[outcome] += n
}

func (t *told) onHealth(why string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.health = append(t.health, why)
}

func (t *told) counted() map[string]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.spans)
}

func (t *told) said() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.health)
}

// start is a Tracing that samples all and sends it to the endpoint.
func start(t *testing.T, endpoint string, change func(*tracing.Options)) (*tracing.Tracing, *told) {
	t.Helper()
	heard := &told{spans: map[string]int{}}
	o := tracing.Options{
		Settings: func() config.Tracing {
			return config.Tracing{Endpoint: endpoint, Protocol: config.TracingHTTP, SamplingPercent: 100}
		},
		Service: config.Service{Namespace: "library", Name: "papers"}, OnSpans: heard.onSpans, OnHealth: heard.onHealth,
	}
	if change != nil {
		change(&o)
	}
	traces, err := tracing.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = traces.Close(context.Background()) })
	return traces, heard
}

func span(traces *tracing.Tracing) {
	_, one := traces.Tracer().Start(context.Background(), "one")
	one.End()
}

func await(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 2 minutes", what)
		}
	}
}

// TestCollectorThatFails: each way to fail has its word, told once; what the collector answers is not told. It is told when that is over.
func TestCollectorThatFails(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	status := http.StatusUnauthorized
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.WriteHeader(status)
		_, _ = w.Write([]byte("canary"))
	}))
	t.Cleanup(server.Close)
	traces, heard := start(t, server.URL, nil)
	for want := 1; want <= 2; want++ {
		span(traces)
		await(t, "a batch that fails", func() bool { return heard.counted()[tracing.OutcomeFailed] == want })
	}
	mu.Lock()
	status = http.StatusOK
	mu.Unlock()
	span(traces)
	await(t, "a batch that is taken", func() bool { return heard.counted()[tracing.OutcomeExported] == 1 && len(heard.said()) == 2 })
	if got, want := heard.said(), []string{"refused", ""}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestCollectorThatIsNotThere(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for _, protocol := range []config.TracingProtocol{config.TracingGRPC, config.TracingHTTP} {
		traces, heard := start(t, gone.URL, func(o *tracing.Options) {
			settings := o.Settings()
			settings.Protocol = protocol
			o.Settings = func() config.Tracing { return settings }
		})
		span(traces)
		await(t, "a batch that fails", func() bool { return heard.counted()[tracing.OutcomeFailed] == 1 && len(heard.said()) == 1 })
		if got := heard.said()[0]; got == "refused" {
			t.Errorf("%s: %q, want a collector that is not reached", protocol, got)
		}
	}
}

// TestCollectorThatHangs: who ends spans waits for nothing, what has no place is dropped, and each span is counted once. The end of the server
// does not wait for the collector for long.
func TestCollectorThatHangs(t *testing.T) {
	t.Parallel()
	hanging := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hanging:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(hanging) })
	traces, heard := start(t, server.URL, nil)
	total := 0
	for deadline := time.Now().Add(2 * time.Minute); heard.counted()[tracing.OutcomeDropped] < 10; total++ {
		span(traces)
		if time.Now().After(deadline) {
			t.Fatalf("nothing of %d spans was dropped", total)
		}
	}
	if err := traces.Close(t.Context()); err != nil {
		t.Error(err)
	}
	got := heard.counted()
	if sum := got[tracing.OutcomeDropped] + got[tracing.OutcomeFailed]; sum != total || got[tracing.OutcomeExported] != 0 {
		t.Errorf("%v, want %d in all and none exported", got, total)
	}
}

// TestHeadersAndPath: headers go to the endpoint alone, to its path for spans, and not where that redirects to.
func TestHeadersAndPath(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{"": "/v1/traces", "/": "/v1/traces", "/otlp": "/otlp/v1/traces", "/a/v1/traces": "/a/v1/traces"} {
		requests := make(chan *http.Request, 8)
		elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { requests <- r }))
		t.Cleanup(elsewhere.Close)
		redirecting := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests <- r
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}))
		t.Cleanup(redirecting.Close)
		roots, err := config.Roots(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: redirecting.Certificate().Raw})))
		if err != nil {
			t.Fatal(err)
		}
		traces, heard := start(t, redirecting.URL+path, func(o *tracing.Options) {
			o.Headers, o.Roots = map[string]string{"x-key": "canary"}, roots
		})
		span(traces)
		await(t, "a batch that fails", func() bool { return heard.counted()[tracing.OutcomeFailed] == 1 })
		if got := <-requests; got.URL.Path != want || got.Header.Get("X-Key") != "canary" || got.TLS == nil {
			t.Errorf("%s%v, want %s with the header, by TLS", got.URL.Path, got.Header, want)
		}
		if len(requests) > 0 {
			t.Error("the redirect was followed")
		}
	}
}

// TestSampling: a caller's decision holds; without one the percentage does, which may change.
func TestSampling(t *testing.T) {
	t.Parallel()
	percent := 0
	traces, _ := start(t, "http://127.0.0.1:1", func(o *tracing.Options) {
		o.Settings = func() config.Tracing {
			return config.Tracing{Endpoint: "http://127.0.0.1:1", Protocol: config.TracingHTTP, SamplingPercent: percent}
		}
	})
	sampled := func(parent context.Context) bool {
		_, one := traces.Tracer().Start(parent, "one")
		defer one.End()
		return one.SpanContext().IsSampled() && one.IsRecording()
	}
	of := func(flags trace.TraceFlags) context.Context {
		return trace.ContextWithRemoteSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: flags, Remote: true,
		}))
	}
	for _, percent = range []int{0, 100} {
		if got := sampled(t.Context()); got != (percent == 100) {
			t.Errorf("sampled at %d%%: %v", percent, got)
		}
		if !sampled(of(trace.FlagsSampled)) || sampled(of(0)) {
			t.Errorf("at %d%% the caller's decision does not hold", percent)
		}
	}
	percent = 25
	n := 0
	for range 10000 {
		if sampled(t.Context()) {
			n++
		}
	}
	if n < 2000 || n > 3000 { // 11 standard deviations
		t.Errorf("%d of 10,000 were sampled at 25%%", n)
	}
}
