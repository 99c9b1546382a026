package ratelimit

import "time"

// Window is the time that limits speak of: they are requests a minute.
const Window = time.Minute

// Source is where the bucket of a decision is kept.
type Source string

// Values of Source.
const (
	// SourceRedis: in Redis, shared by all servers.
	SourceRedis Source = "redis"
	// SourceLease: in Redis too. This server had taken it from there in advance, with others that it expected.
	SourceLease Source = "lease"
	// SourceRefusal: in Redis too, which has refused a request of the same bucket less than a second ago.
	SourceRefusal Source = "refusal"
	// SourceLocal: in this server's memory, because Redis cannot be used or is not part of the service.
	SourceLocal Source = "local"
	// SourceBusy: nowhere. The request was refused, because this server has more to decide than it asks Redis at once, and
	// its turn did not come within its budget. Redis is not lost, so the local share is not to be given away.
	SourceBusy Source = "busy"
	// SourceNone: nowhere. Redis is lost, and rateLimits.onStoreFailure is Allow or Deny.
	SourceNone Source = "none"
)

// lostFor is the advice to who was refused because Redis is lost: it is asked again every second.
const lostFor = time.Second

// busyFor is the advice to who was refused because this server is busy: the calls under way take milliseconds.
const busyFor = time.Second

// Decision says whether a request may be made, and what its caller should know of the bucket.
type Decision struct {
	Allowed  bool
	Endpoint string
	// Limit is what the configuration grants: requests a Window.
	Limit int
	// Remaining is how many further requests would be admitted right now.
	Remaining int
	// ResetAfter is how long until the bucket is full again.
	ResetAfter time.Duration
	// RetryAfter is how long until the same request would be admitted, when no other takes from the bucket meanwhile;
	// 0 when Allowed. From SourceBusy it is a guess.
	RetryAfter time.Duration
	Source     Source
}

// decide judges a request by all the buckets it took from, or would have taken from: it speaks of the one with the
// fewest requests left or, when the request is refused, of the one with the longest wait.
func decide(buckets []bucket, levels []level, now int64, allowed bool, source Source) Decision {
	var worst Decision
	for i, b := range buckets {
		d := b.describe(levels[i], now, allowed, source)
		tighter := d.Remaining < worst.Remaining
		if !allowed {
			tighter = d.RetryAfter > worst.RetryAfter
		}
		if i == 0 || tighter {
			worst = d
		}
	}
	return worst
}
