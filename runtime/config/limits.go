package config

import "slices"

// Lookup finds the limit of a caller of tier on endpoint. A tier that is empty or not in the table is the default
// tier. It reports false for an endpoint that is not limited.
func (r RateLimits) Lookup(endpoint, tier string) (Limit, bool) {
	var fallback Limit
	found := false
	for _, l := range r.Limits {
		if l.Endpoint != endpoint {
			continue
		}
		l.WholeTokens = r.WholeTokens
		if l.Tier == tier {
			return l, true
		}
		if l.Tier == r.DefaultTier {
			fallback, found = l, true
		}
	}
	return fallback, found
}

// Endpoints that stand for all of a tenant's requests, and for all of the service's, in the names of buckets.
const (
	TenantBucket  = "tenant"
	ServiceBucket = "service"
)

// All is a limit of perMinute for requests of the cost of l, in a bucket of that name.
func (l Limit) All(bucket string, perMinute int) Limit {
	return Limit{Endpoint: bucket, RequestsPerMinute: perMinute, Burst: perMinute, Cost: l.Cost, WholeTokens: l.WholeTokens}
}

// Cached is the limit of answers from the cache beside l, when those are free: a bucket of its own, CachedFactor times as large.
func (l Limit) Cached() Limit {
	l.Endpoint += "-cached"
	l.RequestsPerMinute = min(l.RequestsPerMinute*CachedFactor, MaxRequestsPerMinute)
	l.Burst = min(l.Burst*CachedFactor, MaxRequestsPerMinute)
	return l
}

// MayNotCache says that callers of a tier may have results made anew; tier is that of a caller, as in Lookup.
func (c Config) MayNotCache(tier string) bool {
	if len(c.Cache.NoCacheTiers) == 0 {
		return false
	}
	known := slices.ContainsFunc(c.RateLimits.Limits, func(l Limit) bool { return l.Tier == tier })
	if !known {
		tier = c.RateLimits.DefaultTier
	}
	return slices.Contains(c.Cache.NoCacheTiers, tier)
}
