package config

// Lookup finds the limit of a caller of tier on endpoint. A tier that is empty or not in the table is the default
// tier. It reports false for an endpoint that is not limited.
func (r RateLimits) Lookup(endpoint, tier string) (Limit, bool) {
	var fallback Limit
	found := false
	for _, l := range r.Limits {
		if l.Endpoint != endpoint {
			continue
		}
		if l.Tier == tier {
			return l, true
		}
		if l.Tier == r.DefaultTier {
			fallback, found = l, true
		}
	}
	return fallback, found
}
