package httpapi_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/models"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/test/openaitest"
)

// flushes counts how often an answer was sent on.
type flushes struct {
	*httptest.ResponseRecorder
	count int
}

func (f *flushes) FlushError() error {
	f.count++
	return nil
}

// TestCachedStreamIsSentAtOnce: what is at hand is sent together; what is still being written is sent word by word.
func TestCachedStreamIsSentAtOnce(t *testing.T) {
	f := build(t, cached)
	var bodies []string
	for _, want := range []string{"MISS", "HIT"} {
		w := &flushes{ResponseRecorder: httptest.NewRecorder()}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, stream, strings.NewReader(`{"query":"How long?"}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-API-Key", clientKey)
		f.handler.ServeHTTP(w, r)
		if got := w.Header().Get("X-Cache"); got != want {
			t.Fatalf("X-Cache %s, want %s", got, want)
		}
		events := readEvents(t, strings.NewReader(w.Body.String()))
		if together := w.count < len(events); together != (want == "HIT") || len(events) < 5 {
			t.Errorf("%s: %d events were flushed %d times", want, len(events), w.count)
		}
		bodies = append(bodies, tokensAndCitations(w.Body.String()))
	}
	if diff := cmp.Diff(bodies[0], bodies[1]); diff != "" {
		t.Error(diff)
	}
}

// breaking writes half an answer, and fails when it is told to.
type breaking struct {
	twoPassages
	fail chan struct{}
}

func (b breaking) Generate(ctx context.Context, _ rag.Prompt, emit func(rag.Piece) error) (rag.Completion, error) {
	if err := emit(rag.Piece{Text: "half"}); err != nil {
		return rag.Completion{}, err
	}
	select {
	case <-b.fail:
	case <-ctx.Done():
	}
	return rag.Completion{}, &rag.Error{Kind: rag.ErrLLMUnavailable, Message: "m", Cause: errors.New("the connection broke")}
}

// TestBrokenStreamOfTwoReaders: both are told, whether they began it or joined it, and nobody is served the half later.
func TestBrokenStreamOfTwoReaders(t *testing.T) {
	fail := make(chan struct{})
	f := start(t, cachedWith(breaking{fail: fail}))
	results := make([][]event, 2)
	var begun, readers sync.WaitGroup
	for i := range results {
		begun.Add(1)
		readers.Go(func() {
			body := f.open(t.Context())
			begun.Done() // meta was sent: the headers are there
			results[i] = readEvents(t, body)
		})
	}
	begun.Wait()
	close(fail)
	readers.Wait()
	for _, events := range results {
		if n := names(events); !slices.Equal(n, []string{"meta", "token", "error"}) || !strings.Contains(events[2].data, `"llm_unavailable"`) {
			t.Errorf("a reader got %v", events)
		}
	}
	if got := f.call("POST", ask, `{"query":"x"}`); got.status != 503 || got.header.Get("X-Cache") != "" {
		t.Errorf("the broken answer was kept: %d %v", got.status, got.header)
	}
}

func modelAt(server *openaitest.Server) *models.OpenAI {
	llm := config.LLM{
		Provider: config.ProviderOpenAI, BaseURL: server.BaseURL(), Model: "test-model",
		Timeout: config.Duration(time.Minute), IdleTimeout: config.Duration(time.Minute),
	}
	observe := func(context.Context, string, string, time.Duration, rag.Usage) {}
	return models.NewOpenAI(func() config.LLM { return llm }, "sk-canary", nil, observe)
}

// TestErrorEventOfTheModelInMidStream: the client has what came before and then the error, and nobody is served the part later.
func TestErrorEventOfTheModelInMidStream(t *testing.T) {
	server := openaitest.New(t)
	server.Answer(func(openaitest.ChatRequest) string { return "Results stay one hour [1]." })
	server.Script(openaitest.Chat, openaitest.Behaviour{
		Fault: openaitest.ErrorEvent, AfterPieces: 3, Error: openaitest.Error{Message: "the inside of the model"},
	})
	f := start(t, cachedWith(modelAt(server)))
	got := f.call("POST", stream, `{"query":"x"}`)
	events := readEvents(t, strings.NewReader(got.body))
	if got.status != 200 || !slices.Equal(names(events), []string{"meta", "token", "token", "error"}) {
		t.Fatalf("%d %v", got.status, events)
	}
	if told := events[3].data; !strings.Contains(told, `"llm_unavailable"`) || strings.Contains(got.body, "the inside") {
		t.Errorf("the client was told %s", told)
	}
	if again := f.call("POST", stream, `{"query":"x"}`); !strings.Contains(again.body, "event: done") || server.Count(openaitest.Chat) != 2 {
		t.Errorf("asked again, after %d requests to the model: %s", server.Count(openaitest.Chat), again.body)
	}
}

// TestIPv6NetworksAreOneCaller: a customer has 2^64 addresses, and is one caller in buckets and in guessing.
func TestIPv6NetworksAreOneCaller(t *testing.T) {
	f := build(t, func(f *fixture) {
		f.config.Auth.Mode = config.AuthAnonymous
		f.config.RateLimits.Limits = []config.Limit{{Endpoint: "search", Tier: "free", RequestsPerMinute: 1, Burst: 2, Cost: 1}}
	})
	from := func(address, method, path, key string) int {
		r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(`{"query":"x"}`))
		r.RemoteAddr = address
		r.Header.Set("Content-Type", "application/json")
		if key != "" {
			r.Header.Set("X-API-Key", key)
		}
		w := httptest.NewRecorder()
		f.handler.ServeHTTP(w, r)
		return w.Code
	}
	var got []int
	for _, address := range []string{"[2001:db8:0:1::1]:1", "[2001:db8:0:1:ffff::2]:2", "[2001:db8:0:1::3]:3", "[2001:db8:0:2::1]:1"} {
		got = append(got, from(address, "POST", search, ""))
	}
	if diff := cmp.Diff([]int{200, 200, 429, 200}, got); diff != "" {
		t.Error(diff)
	}
	for i := range 20 {
		if status := from("[2001:db8:0:3::"+strconv.Itoa(i)+"]:1", "GET", documents+"/a", "guess"); status != 401 {
			t.Fatalf("guess %d: %d", i, status)
		}
	}
	if status := from("[2001:db8:0:3:1::]:1", "GET", documents+"/a", "guess"); status != 429 {
		t.Errorf("a guess from the same network: %d", status)
	}
	if status := from("[2001:db8:0:4::1]:1", "GET", documents+"/a", "guess"); status != 401 {
		t.Errorf("a guess from another network: %d", status)
	}
}
