package middleware

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/ratelimit"
)

func TestTellBucket(t *testing.T) {
	now := time.Unix(1_700_000_000, 999_000_000)
	got := http.Header{}
	setBucketHeaders(got, ratelimit.Decision{Endpoint: "ask", Limit: 10, Remaining: 7, ResetAfter: 17100 * time.Millisecond}, now)
	want := http.Header{}
	want.Set("X-RateLimit-Limit", "10")
	want.Set("X-RateLimit-Remaining", "7")
	want.Set("X-RateLimit-Reset", "1700000019")
	want.Set("RateLimit-Policy", `"ask";q=10;w=60`)
	want.Set("RateLimit", `"ask";r=7;t=18`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSecondsAreRoundedUp(t *testing.T) {
	for d, want := range map[time.Duration]int{-time.Second: 0, 0: 0, 1: 1, time.Second: 1, time.Second + 1: 2, 90 * time.Second: 90} {
		if got := Seconds(d); got != want {
			t.Errorf("%s: %d, want %d", d, got, want)
		}
	}
}
