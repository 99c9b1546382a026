package telemetry_test

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

func TestContinueTrace(t *testing.T) {
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	tests := map[string]struct {
		traceparent string
		continues   bool
		flags       string
	}{
		"none":             {"", false, "00"},
		"sampled":          {"00-" + id + "-00f067aa0ba902b7-01", true, "01"},
		"not sampled":      {"00-" + id + "-00f067aa0ba902b7-00", true, "00"},
		"later version":    {"01-" + id + "-00f067aa0ba902b7-01-more", true, "01"},
		"broken":           {"00-" + id, false, "00"},
		"upper case":       {"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false, "00"},
		"zero trace":       {"00-00000000000000000000000000000000-00f067aa0ba902b7-01", false, "00"},
		"zero span":        {"00-" + id + "-0000000000000000-01", false, "00"},
		"not hexadecimal":  {"00-" + id[:31] + "g-00f067aa0ba902b7-01", false, "00"},
		"invalid version":  {"ff-" + id + "-00f067aa0ba902b7-01", false, "00"},
		"surplus of today": {"00-" + id + "-00f067aa0ba902b7-01-more", false, "00"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			in := http.Header{"Traceparent": {tt.traceparent}}
			ctx := telemetry.ContinueTrace(t.Context(), in)
			out := http.Header{}
			telemetry.InjectTrace(ctx, out)
			got := regexp.MustCompile(`^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$`).FindStringSubmatch(out.Get("Traceparent"))
			if got == nil {
				t.Fatalf("traceparent = %q", out.Get("Traceparent"))
			}
			if (got[1] == id) != tt.continues {
				t.Errorf("trace %s, continues = %v", got[1], tt.continues)
			}
			if got[1] != telemetry.TraceID(ctx) {
				t.Errorf("TraceID = %q, sent %q", telemetry.TraceID(ctx), got[1])
			}
			if got[2] == "00f067aa0ba902b7" {
				t.Error("the caller's span was taken for our own")
			}
			if got[3] != tt.flags {
				t.Errorf("flags = %s, want %s", got[3], tt.flags)
			}
		})
	}
}

func TestTraceIDOfNoTrace(t *testing.T) {
	if id := telemetry.TraceID(t.Context()); id != "" {
		t.Errorf("TraceID = %q", id)
	}
}
