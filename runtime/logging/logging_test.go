package logging_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// lines decodes what was logged.
func lines(t *testing.T, b *bytes.Buffer) []map[string]any {
	t.Helper()
	var out []map[string]any
	for line := range strings.Lines(b.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		out = append(out, m)
	}
	return out
}

func TestLine(t *testing.T) {
	var b bytes.Buffer
	log := logging.New(&b)
	ctx := telemetry.ContinueTrace(t.Context(), http.Header{"Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}})
	ctx = logging.WithUser(ctx, "alice")
	log.With("dependency", "redis").WarnContext(ctx, logging.DatabaseConnectionLost, "took_ms", 12)

	got := lines(t, &b)[0]
	stamp, err := time.Parse(time.RFC3339Nano, got["timestamp"].(string))
	if err != nil || stamp.Location() != time.UTC {
		t.Errorf("timestamp = %v: %v", got["timestamp"], err)
	}
	delete(got, "timestamp")
	want := map[string]any{
		"level": "WARNING", "event": "database_connection_lost", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "user_id": "alice",
		"dependency": "redis", "took_ms": 12.0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLevels(t *testing.T) {
	names := []string{"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}
	levels := []slog.Level{logging.LevelDebug, logging.LevelInfo, logging.LevelWarning, logging.LevelError, logging.LevelCritical}
	for i, name := range names {
		var b bytes.Buffer
		log := logging.New(&b)
		if err := log.SetLevel(name); err != nil {
			t.Fatal(err)
		}
		for _, level := range levels {
			log.Log(t.Context(), level, "event")
		}
		var got []string
		for _, l := range lines(t, &b) {
			got = append(got, l["level"].(string))
		}
		if diff := cmp.Diff(names[i:], got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if err := logging.New(nil).SetLevel("info"); err == nil {
		t.Error("a level that is not in the list was taken")
	}
}

type stringer struct{ s string }

func (s stringer) String() string { return s.s }

func TestSecretsNeverReachTheLog(t *testing.T) {
	const plain, quoted, longer = "canary-7d1c", `canary-"<é>\x`, "canary-7d1c-and-more"
	var b bytes.Buffer
	log := logging.New(&b)
	log.Redact(plain, quoted, longer, "short", "")
	for _, secret := range []string{plain, quoted, longer} {
		log.Info("event "+secret,
			"string", "before "+secret+" after", "error", fmt.Errorf("dial: %w", errors.New(secret)), "stringer", stringer{secret}, secret, 1,
			"group", slog.GroupValue(slog.String("inner", secret)), "struct", struct{ Password string }{secret}, "map", map[string]string{"k": secret})
	}
	log.Info("a short one stays")
	got := b.String()
	if strings.Contains(got, "canary") || strings.Contains(got, "and-more") {
		t.Errorf("a secret is in the log:\n%s", got)
	}
	if strings.Count(got, "[redacted]") != 3*7 || !strings.Contains(got, "a short one stays") {
		t.Errorf("too much or too little is gone:\n%s", got)
	}
	log.Redact("rotated-canary")
	log.Info("rotated-canary")
	if strings.Contains(b.String(), "rotated-canary") {
		t.Error("a rotated secret is in the log")
	}
	lines(t, &b)
}

// at logs an event as if it happened at a time.
func at(log *logging.Log, when time.Time, level slog.Level, event string, attrs ...slog.Attr) {
	r := slog.NewRecord(when, level, event, 0)
	r.AddAttrs(attrs...)
	_ = log.Handler().Handle(context.Background(), r)
}

func TestRepeatedWarnings(t *testing.T) {
	var b bytes.Buffer
	log := logging.New(&b)
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	redis, search := slog.String("dependency", "redis"), slog.String("dependency", "opensearch")
	for i := range 25 {
		at(log, start.Add(time.Duration(i)*time.Second), logging.LevelWarning, "lost", redis, slog.String("code", "timeout"))
	}
	at(log, start.Add(30*time.Second), logging.LevelWarning, "lost", search)
	for range 12 {
		at(log, start.Add(31*time.Second), logging.LevelError, "failed", redis)
	}
	at(log, start.Add(59*time.Second), logging.LevelInfo, "early")
	at(log, start.Add(60*time.Second), logging.LevelInfo, "late")
	at(log, start.Add(61*time.Second), logging.LevelWarning, "lost", redis, slog.String("code", "timeout"))

	type line struct {
		event, dependency, code string
		repeated                float64
	}
	seen := map[line]int{}
	for _, l := range lines(t, &b) {
		var got line
		got.event, _ = l["event"].(string)
		got.dependency, _ = l["dependency"].(string)
		got.code, _ = l["code"].(string)
		got.repeated, _ = l["repeated"].(float64)
		seen[got]++
	}
	want := map[line]int{
		{"lost", "redis", "timeout", 0}:  11, // ten, and the first of the next minute
		{"lost", "redis", "timeout", 15}: 1,
		{"lost", "opensearch", "", 0}:    1,
		{"failed", "redis", "", 0}:       12,
		{"early", "", "", 0}:             1,
		{"late", "", "", 0}:              1,
	}
	if diff := cmp.Diff(want, seen, cmp.AllowUnexported(line{})); diff != "" {
		t.Error(diff)
	}
}

func TestHasher(t *testing.T) {
	h, again, other := logging.NewHasher([]byte("key of a service")), logging.NewHasher([]byte("key of a service")), logging.NewHasher([]byte("key of another"))
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
