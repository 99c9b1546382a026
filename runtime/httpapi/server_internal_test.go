package httpapi

import (
	"net/http"
	"testing"
	"time"
)

// TestServerTimeouts: no connection is held for ever, whatever its client does or does not do.
func TestServerTimeouts(t *testing.T) {
	got := (&Server{}).server(t.Context(), http.NotFoundHandler())
	for name, tt := range map[string]struct{ got, want time.Duration }{
		"headers":         {got.ReadHeaderTimeout, 10 * time.Second},
		"request":         {got.ReadTimeout, 30 * time.Second},
		"answer":          {got.WriteTimeout, 90 * time.Second},
		"between the two": {got.IdleTimeout, 2 * time.Minute},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %s, want %s", name, tt.got, tt.want)
		}
	}
}

// TestHeartbeatOfStreams: proxies take a stream for dead that says nothing for half a minute or so.
func TestHeartbeatOfStreams(t *testing.T) {
	if got := newEventStream(nil, 0).pause; got != 10*time.Second {
		t.Errorf("a stream that waits says so every %s", got)
	}
}
