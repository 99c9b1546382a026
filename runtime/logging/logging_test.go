package logging

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/trace"
)

// lines decodes what was logged.
func lines(t *testing.T, text string) []map[string]any {
	t.Helper()
	var out []map[string]any
	for line := range strings.Lines(text) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		out = append(out, m)
	}
	return out
}

// note is an event of a level of the test's choice.
type note struct {
	event, dependency, code, text string
	level                         Level
}

func (n note) describe(l *line) {
	l.is(n.event, n.level)
	l.dependency(n.dependency)
	l.code(n.code)
	l.string("text", n.text)
}

func TestLine(t *testing.T) {
	var b bytes.Buffer
	log := New(&b)
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{0x4b, 0xf9}, SpanID: trace.SpanID{1}})
	ctx := WithUser(trace.ContextWithSpanContext(t.Context(), span), "alice")
	log.Write(ctx, DatabaseConnectionLost{Dependency: "redis", Code: "timeout", Err: errors.New("dial \"x\"\n<é>")})

	got := lines(t, b.String())[0]
	stamp, err := time.Parse(time.RFC3339Nano, got["timestamp"].(string))
	if err != nil || stamp.Location() != time.UTC {
		t.Errorf("timestamp = %v: %v", got["timestamp"], err)
	}
	delete(got, "timestamp")
	want := map[string]any{
		"level": "WARNING", "event": "database_connection_lost", "trace_id": "4bf90000000000000000000000000000", "user_id": "alice",
		"dependency": "redis", "code": "timeout", "error": "dial \"x\"\n<é>",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(b.String(), "<é>") {
		t.Errorf("text is not readable: %s", b.String())
	}
}

func TestLevels(t *testing.T) {
	names := []string{"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}
	for i, name := range names {
		var b bytes.Buffer
		log := New(&b)
		if err := log.SetLevel(name); err != nil {
			t.Fatal(err)
		}
		for level := LevelDebug; level <= LevelCritical; level++ {
			log.Write(t.Context(), note{event: "e", level: level})
		}
		var got []string
		for _, l := range lines(t, b.String()) {
			got = append(got, l["level"].(string))
		}
		if diff := cmp.Diff(names[i:], got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if err := New(nil).SetLevel("info"); err == nil {
		t.Error("a level that is not in the list was taken")
	}
}

func TestSecretsNeverReachTheLog(t *testing.T) {
	const plain, quoted, longer, eight = "canary-7d1c", `canary-"<é>\x`, "canary-7d1c-and-more", "canary-8"
	var b bytes.Buffer
	log := New(&b)
	log.Redact(plain, quoted, longer, eight, "short", "")
	for _, secret := range []string{plain, quoted, longer, eight} {
		ctx := WithUser(t.Context(), secret)
		log.Write(ctx, note{
			level:      LevelInfo,
			event:      secret,
			dependency: secret,
			code:       "before " + secret + " after",
			text:       strings.Repeat("x", 1000) + secret,
		})
		log.Write(t.Context(), ConnectionFailed{Err: errors.New(secret)}) // not written at INFO
		log.Write(t.Context(), ConfigRejected{ConfigHash: "h", Err: fmt.Errorf("dial: %w", errors.New(secret))})
	}
	log.Write(t.Context(), note{event: "e", level: LevelInfo, text: "a short one stays, canary- too"})
	got := b.String()
	if strings.Contains(strings.ReplaceAll(got, "canary- too", ""), "canary") || strings.Contains(got, "and-more") {
		t.Errorf("a secret is in the log:\n%s", got)
	}
	if strings.Count(got, "[redacted]") != 4*6 || !strings.Contains(got, "a short one stays") {
		t.Errorf("too much or too little is gone:\n%s", got)
	}
	log.Redact("rotated-canary")
	log.Write(t.Context(), note{event: "rotated-canary", level: LevelInfo})
	if strings.Contains(b.String(), "rotated-canary") {
		t.Error("a rotated secret is in the log")
	}
	lines(t, b.String())
}

func TestRepeatedWarnings(t *testing.T) {
	var b bytes.Buffer
	log := New(&b)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(second int, n note) {
		log.now = func() time.Time { return start.Add(time.Duration(second) * time.Second) }
		log.Write(context.Background(), n)
	}
	lost := note{event: "lost", dependency: "redis", code: "timeout", level: LevelWarning}
	for i := range 25 {
		at(i, lost)
	}
	at(30, note{event: "lost", dependency: "opensearch", level: LevelWarning})
	for range 12 {
		at(31, note{event: "failed", dependency: "redis", level: LevelError})
	}
	at(59, note{event: "early", level: LevelInfo})
	at(60, note{event: "late", level: LevelInfo})
	at(61, lost)
	at(200, note{event: "unseen", level: LevelDebug}) // a line that is not written still tells of the period that is over
	for range 11 {
		at(201, lost)
	}
	at(400, note{event: "end", level: LevelInfo})

	type line struct {
		event, dependency, code string
		repeated                float64
	}
	seen := map[line]int{}
	for _, l := range lines(t, b.String()) {
		var got line
		got.event, _ = l["event"].(string)
		got.dependency, _ = l["dependency"].(string)
		got.code, _ = l["code"].(string)
		got.repeated, _ = l["repeated"].(float64)
		seen[got]++
	}
	want := map[line]int{
		{"lost", "redis", "timeout", 0}:  21, // ten, the first of the next minute, and ten of a later one
		{"lost", "redis", "timeout", 15}: 1,
		{"lost", "redis", "timeout", 1}:  1,
		{"lost", "opensearch", "", 0}:    1,
		{"failed", "redis", "", 0}:       12,
		{"early", "", "", 0}:             1,
		{"late", "", "", 0}:              1,
		{"end", "", "", 0}:               1,
	}
	if diff := cmp.Diff(want, seen, cmp.AllowUnexported(line{})); diff != "" {
		t.Error(diff)
	}
}

func TestHasher(t *testing.T) {
	h, again, other := NewHasher([]byte("key of a service")), NewHasher([]byte("key of a service")), NewHasher([]byte("key of another"))
	block := netip.MustParsePrefix("192.0.2.1/32")
	if h.Query("a") != again.Query("a") || h.Query("a") == h.Query("b") || h.Query("a") == other.Query("a") {
		t.Error("a query's name must depend on the query and the key alone")
	}
	if h.Query(block.String()) == h.Address(block) {
		t.Error("a query and an address share a name")
	}
	if len(h.Query("a")) != 16 {
		t.Errorf("name %q", h.Query("a"))
	}
}

// BenchmarkRequestCompleted writes the line of a cached answer, with a hundred secrets to look for.
func BenchmarkRequestCompleted(b *testing.B) {
	log := New(NewBuffer(io.Discard))
	keys := make([]string, 100)
	for i := range keys {
		keys[i] = fmt.Sprintf("%d-secret-of-a-caller-%d", i*i, i)
	}
	log.Redact(keys...)
	span := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{0x4b, 0xf9}, SpanID: trace.SpanID{1}})
	ctx := WithUser(trace.ContextWithSpanContext(b.Context(), span), "alice")
	e := RequestCompleted{
		RequestID: "0b6f2c1e-97c5-4d8c-8d0b-0d1f8f6f0f6a",
		Method:    "POST",
		Route:     "/api/v1/ask",
		Status:    200,
		Query:     Query{Hash: "0123456789abcdef"},
		Cache:     "HIT",
		Age:       time.Minute,
		Bytes:     1870,
		Took:      time.Millisecond,
	}
	b.ReportAllocs()
	for b.Loop() {
		log.Write(ctx, e)
	}
}
