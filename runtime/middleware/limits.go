package middleware

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/ratelimit"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// Limiter decides whether a caller may make one more request.
type Limiter interface {
	// Take takes from all buckets, or refuses and takes from none.
	Take(ctx context.Context, buckets []ratelimit.Bucket) ratelimit.Decision
}

// Limits are taken once a request was read and found valid: what is refused before costs its caller nothing.
type Limits struct {
	Limiter Limiter
	// Table is asked for each request.
	Table   func() config.RateLimits
	Metrics *telemetry.Metrics
}

// Take takes a request to the endpoint from its caller's bucket and tells the bucket's state in the answer's headers. It
// returns ErrRateLimit when the bucket has not enough, ErrOverloaded when that cannot be found out in time. An endpoint
// that is not in the table is not limited.
func (l *Limits) Take(w http.ResponseWriter, r *http.Request, endpoint string) error {
	id := Of(r).Identity
	limit, limited := l.Table().Lookup(endpoint, id.Tier)
	if !limited {
		return nil
	}
	d := l.Limiter.Take(r.Context(), []ratelimit.Bucket{{Name: id.Name, Limit: limit}})
	l.Metrics.Limit(endpoint, limit.Tier, d.Allowed, string(d.Source))
	if d.Source == ratelimit.SourceBusy { // the caller's bucket was not looked at: nothing is known of it
		return &rag.Error{Kind: rag.ErrOverloaded, Message: "the server has too many requests to decide about", RetryAfter: d.RetryAfter}
	}
	tellBucket(w.Header(), d, time.Now())
	if d.Allowed {
		return nil
	}
	return &rag.Error{
		Kind:       rag.ErrRateLimit,
		Message:    fmt.Sprintf("Rate limit of %d requests per minute exceeded", d.Limit),
		Details:    map[string]any{"limit": d.Limit, "endpoint": d.Endpoint},
		RetryAfter: d.RetryAfter,
	}
}

// tellBucket writes the headers that clients in use read, and those of the IETF's draft 10 (a quota of q requests in w
// seconds; r are left, the bucket is full in t seconds).
func tellBucket(h http.Header, d ratelimit.Decision, now time.Time) {
	full := now.Add(d.ResetAfter + time.Second - 1).Unix() // rounded up, as all these are
	h.Set("X-Ratelimit-Limit", strconv.Itoa(d.Limit))
	h.Set("X-Ratelimit-Remaining", strconv.Itoa(d.Remaining))
	h.Set("X-Ratelimit-Reset", strconv.FormatInt(full, 10))
	name := `"` + d.Endpoint + `"`
	h.Set("Ratelimit-Policy", name+";q="+strconv.Itoa(d.Limit)+";w="+strconv.Itoa(Seconds(ratelimit.Window)))
	h.Set("Ratelimit", name+";r="+strconv.Itoa(d.Remaining)+";t="+strconv.Itoa(Seconds(d.ResetAfter)))
}

// Seconds are whole seconds, rounded up: who waits for them has waited long enough.
func Seconds(d time.Duration) int {
	return int((max(0, d) + time.Second - 1) / time.Second)
}
