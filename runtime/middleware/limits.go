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
// that is not in the table is not limited. A request that the cache answers is taken from a bucket of its own, when such are free.
func (l *Limits) Take(w http.ResponseWriter, r *http.Request, endpoint string, cached bool) error {
	id, table := Of(r).Identity, l.Table()
	limit, limited := table.Lookup(endpoint, id.Tier)
	if !limited {
		return nil
	}
	if cached && table.CachedFree {
		limit = limit.Cached()
	}
	d := l.Limiter.Take(r.Context(), []ratelimit.Bucket{{Name: id.Name, Limit: limit}})
	l.Metrics.Limit(endpoint, limit.Tier, d.Allowed, string(d.Source))
	if d.Source == ratelimit.SourceBusy { // the caller's bucket was not looked at: nothing is known of it
		return &rag.Error{Kind: rag.ErrOverloaded, Message: "the server has too many requests to decide about", RetryAfter: d.RetryAfter}
	}
	setBucketHeaders(w.Header(), d, time.Now())
	if d.Allowed {
		return nil
	}
	return &rag.Error{
		Kind:       rag.ErrRateLimit,
		Message:    fmt.Sprintf("Rate limit of %d requests per minute exceeded", d.Limit),
		Details:    map[string]any{"limit": d.Limit, "endpoint": endpoint},
		RetryAfter: d.RetryAfter,
	}
}

// bucketHeaders are those that clients in use read, and those of the IETF's draft 10 (a quota of q requests in w seconds; r
// are left, the bucket is full in t seconds).
var bucketHeaders = [...]string{"X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset", "Ratelimit-Policy", "Ratelimit"}

// setBucketHeaders writes bucketHeaders. It shares strings between them, and one slice.
func setBucketHeaders(h http.Header, d ratelimit.Decision, now time.Time) {
	full := now.Add(d.ResetAfter + time.Second - 1).Unix() // rounded up, as all these are
	limit, left, name := strconv.Itoa(d.Limit), strconv.Itoa(d.Remaining), `"`+d.Endpoint+`"`
	values := []string{
		limit, left, strconv.FormatInt(full, 10),
		name + ";q=" + limit + ";w=" + strconv.Itoa(Seconds(ratelimit.Window)),
		name + ";r=" + left + ";t=" + strconv.Itoa(Seconds(d.ResetAfter)),
	}
	for i, header := range bucketHeaders {
		h[header] = values[i : i+1 : i+1]
	}
}

// Seconds are whole seconds, rounded up: who waits for them has waited long enough.
func Seconds(d time.Duration) int {
	return int((max(0, d) + time.Second - 1) / time.Second)
}
