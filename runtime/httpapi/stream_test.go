package httpapi_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

const stream = "/api/v1/stream"

// event is a server-sent event; a comment has its text as name.
type event struct{ name, data string }

// readEvents reads a stream to its end.
func readEvents(t *testing.T, r io.Reader) []event {
	t.Helper()
	var events []event
	for lines := bufio.NewScanner(r); lines.Scan(); {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case strings.HasPrefix(lines.Text(), ":"):
			events = append(events, event{name: lines.Text()})
		case field == "event":
			events = append(events, event{name: value})
		case field == "data":
			events[len(events)-1].data = value
		}
	}
	return events
}

func names(events []event) []string {
	var out []string
	for _, e := range events {
		out = append(out, e.name)
	}
	return out
}

func TestStream(t *testing.T) {
	f := start(t)
	got := f.call("POST", stream, `{"query":"x"}`)
	if got.status != 200 || got.header.Get("Content-Type") != "text/event-stream" || got.header.Get("X-Accel-Buffering") != "no" ||
		got.header.Get("X-Cache") != "MISS" || got.header.Get("X-RateLimit-Remaining") != "4" || got.header.Get("X-Request-Id") == "" {
		t.Errorf("%d %v", got.status, got.header)
	}
	events := readEvents(t, strings.NewReader(got.body))
	if diff := cmp.Diff([]string{"meta", "token", "token", "citation", "done"}, names(events)); diff != "" {
		t.Fatal(diff)
	}
	want := parse(t, `{"query":"x","chunks_used":1,"search_mode":"keyword","model":"extractive","cache":"MISS","age_seconds":0}`)
	if diff := cmp.Diff(want, reply{body: events[0].data}.fields(t, "trace_id")); diff != "" {
		t.Errorf("meta: %s", diff)
	}
	if events[1].data != `{"text":"Attention "}` {
		t.Errorf("token: %s", events[1].data)
	}
	asked := f.call("POST", ask, `{"query":"x"}`).fields(t, "trace_id")
	if diff := cmp.Diff(asked, reply{body: events[4].data}.fields(t, "trace_id")); diff != "" {
		t.Errorf("done is not what ask answers: %s", diff)
	}
}

func TestStreamFailsBeforeMeta(t *testing.T) {
	f := start(t)
	f.service.stream = func(context.Context, rag.Identity, rag.AskRequest, rag.StreamEvents) (rag.Answer, error) {
		return rag.Answer{}, &rag.Error{Kind: rag.ErrSearchTimeout, Message: "m"}
	}
	got := f.call("POST", stream, `{"query":"x"}`)
	if code, _ := got.errorOf(t); got.status != 504 || code != "search_timeout" {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestStreamFailsAfterMeta(t *testing.T) {
	f := start(t)
	f.service.stream = func(_ context.Context, _ rag.Identity, _ rag.AskRequest, e rag.StreamEvents) (rag.Answer, error) {
		_ = e.Meta(rag.StreamMeta{Cache: miss})
		_ = e.Token("half")
		return rag.Answer{}, &rag.Error{Kind: rag.ErrLLMTimeout, Message: "m", Cause: errors.New("the inside")}
	}
	got := f.call("POST", stream, `{"query":"x"}`)
	events := readEvents(t, strings.NewReader(got.body))
	if diff := cmp.Diff([]string{"meta", "token", "error"}, names(events)); diff != "" {
		t.Fatal(diff)
	}
	failed := parse(t, `{"error":{"code":"llm_timeout","message":"m","details":{"query":"x"}}}`)
	if diff := cmp.Diff(failed, reply{body: events[2].data}.fields(t)); diff != "" {
		t.Errorf("error: %s", diff)
	}
	if since := f.api.Traffic.Record("acme").Total; since.Errors != 1 || since.LLM.All.Misses != 0 {
		t.Errorf("counted %+v", since)
	}
	if log := f.log.String(); !strings.Contains(log, `"event":"llm_generation_failed"`) || !strings.Contains(log, "the inside") {
		t.Errorf("the log lacks the failure or its cause:\n%s", log)
	}
}

func TestStreamHeartbeat(t *testing.T) {
	beat := make(chan struct{})
	f := start(t, func(f *fixture) { f.api.Heartbeat = time.Millisecond })
	f.service.stream = func(_ context.Context, _ rag.Identity, _ rag.AskRequest, e rag.StreamEvents) (rag.Answer, error) {
		if err := e.Meta(rag.StreamMeta{}); err != nil {
			return rag.Answer{}, err
		}
		<-beat
		return rag.Answer{}, nil
	}
	body := f.open(t.Context())
	lines := bufio.NewScanner(body)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), ":") {
	}
	if lines.Text() != ": waiting" {
		t.Errorf("heartbeat %q", lines.Text())
	}
	close(beat)
	if events := readEvents(t, body); len(events) == 0 || events[len(events)-1].name != "done" {
		t.Errorf("%v", events)
	}
}

// open begins a request whose answer is a stream.
func (f *fixture) open(ctx context.Context) io.Reader {
	f.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url+stream, strings.NewReader(`{"query":"x"}`))
	if err != nil {
		f.Fatal(err)
	}
	r.Header.Set("X-API-Key", clientKey)
	r.Header.Set("Content-Type", "application/json")
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = got.Body.Close() })
	return got.Body
}

// TestStreamClientLeaves: its share of the work is cancelled, and nobody counts it as an error of the service.
func TestStreamClientLeaves(t *testing.T) {
	f := start(t)
	cancelled := make(chan struct{})
	f.service.stream = func(ctx context.Context, _ rag.Identity, _ rag.AskRequest, e rag.StreamEvents) (rag.Answer, error) {
		if err := e.Meta(rag.StreamMeta{}); err != nil {
			return rag.Answer{}, err
		}
		<-ctx.Done()
		close(cancelled)
		return rag.Answer{}, ctx.Err()
	}
	ctx, leave := context.WithCancel(t.Context())
	body := f.open(ctx)
	if lines := bufio.NewScanner(body); !lines.Scan() || lines.Text() != "event: meta" {
		t.Fatal("no meta")
	}
	leave()
	select {
	case <-cancelled:
	case <-time.After(10 * time.Second):
		t.Fatal("the work goes on")
	}
	f.waitForLog(`"code":"client_closed"`)
	if since := f.api.Traffic.Record("acme").Total; since.Errors != 0 {
		t.Errorf("counted %+v", since)
	}
}

// waitForLog polls for a line that is written after its answer.
func (f *fixture) waitForLog(part string) {
	f.Helper()
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(f.log.String(), part); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			f.Fatalf("no %s in the log:\n%s", part, f.log)
		}
	}
}
