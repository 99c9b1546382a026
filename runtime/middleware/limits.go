package middleware

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/logging"
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
	Log     *logging.Log
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
	ctx, span := telemetry.StartSpan(r.Context(), telemetry.SpanLimit)
	d := l.Limiter.Take(ctx, bucketsOf(id, table, limit, cached && table.CachedFree))
	span.String(telemetry.AttributeEndpoint, endpoint)
	span.String(telemetry.AttributeTier, limit.Tier)
	span.String(telemetry.AttributeDecision, decision(d, table.Shadow))
	span.String(telemetry.AttributeSource, string(d.Source))
	span.End()
	l.Metrics.Limit(endpoint, limit.Tier, decision(d, table.Shadow), string(d.Source))
	switch { // of a source that looked at no bucket nothing is known
	case d.Source == ratelimit.SourceBusy && table.Shadow:
		return nil
	case d.Source == ratelimit.SourceBusy:
		return &rag.Error{Kind: rag.ErrOverloaded, Message: "the server has too many requests to decide about", RetryAfter: d.RetryAfter}
	case d.Source != ratelimit.SourceNone:
		setBucketHeaders(w.Header(), d, time.Now())
	case !d.Allowed && !table.Shadow:
		return &rag.Error{Kind: rag.ErrOverloaded, Message: "the limits cannot be looked up", RetryAfter: d.RetryAfter}
	}
	switch {
	case d.Allowed:
		return nil
	case table.Shadow:
		l.Log.Write(r.Context(), logging.LimitShadowed{Endpoint: d.Endpoint, Tier: limit.Tier, Limit: d.Limit})
		return nil
	}
	return &rag.Error{
		Kind:       rag.ErrRateLimit,
		Message:    fmt.Sprintf("Rate limit of %d requests per minute%s exceeded", d.Limit, whose(d.Endpoint)),
		Details:    map[string]any{"limit": d.Limit, "endpoint": endpoint},
		RetryAfter: d.RetryAfter,
	}
}

// bucketsOf are those that a request takes from: its caller's on the endpoint, its tenant's, and that of all; or those beside them for
// what is free.
func bucketsOf(id rag.Identity, table config.RateLimits, limit config.Limit, free bool) []ratelimit.Bucket {
	buckets := make([]ratelimit.Bucket, 1, 3)
	buckets[0] = ratelimit.Bucket{Name: id.Name, Limit: limit}
	if n := table.TenantPerMinute; n > 0 {
		buckets = append(buckets, ratelimit.Bucket{Name: id.Tenant, Limit: limit.All(config.TenantBucket, n)})
	}
	if n := table.ServicePerMinute; n > 0 {
		buckets = append(buckets, ratelimit.Bucket{Limit: limit.All(config.ServiceBucket, n)})
	}
	if free {
		for i := range buckets {
			buckets[i].Limit = buckets[i].Limit.Cached()
		}
	}
	return buckets
}

// whose names a bucket that is not the caller's alone, in messages.
func whose(endpoint string) string {
	switch {
	case strings.HasPrefix(endpoint, config.TenantBucket):
		return " for the tenant"
	case strings.HasPrefix(endpoint, config.ServiceBucket):
		return " for all callers"
	default:
		return ""
	}
}

// decision is how metrics name what became of a request.
func decision(d ratelimit.Decision, shadow bool) string {
	switch {
	case d.Allowed:
		return telemetry.LimitAdmitted
	case shadow:
		return telemetry.LimitShadowed
	default:
		return telemetry.LimitRefused
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
