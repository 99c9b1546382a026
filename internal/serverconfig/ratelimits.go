package serverconfig

import (
	"slices"

	"k8s.io/utils/ptr"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

// The product's tiers and endpoints, for a spec that gives none. Each list is replaced as a whole.
var (
	defaultTiers = []v1alpha1.Tier{
		{Name: "free", RequestsPerMinute: 10},
		{Name: "premium", RequestsPerMinute: 100},
		{Name: "enterprise", RequestsPerMinute: 1000},
	}
	defaultEndpoints = []v1alpha1.EndpointLimit{
		{Name: v1alpha1.EndpointSearch, RequestsPerMinute: 60},
		{Name: v1alpha1.EndpointAsk, RequestsPerMinute: 10},
		{Name: v1alpha1.EndpointStream, RequestsPerMinute: 5},
	}
)

// alwaysLimited are the endpoints that have a limit also when they are not named: the tier's own number. Documents are
// not among them: a bulk load is an administrator's work.
var alwaysLimited = []v1alpha1.Endpoint{
	v1alpha1.EndpointSearch, v1alpha1.EndpointAsk, v1alpha1.EndpointStream, v1alpha1.EndpointStats, v1alpha1.EndpointFeedback,
}

// buildRateLimits multiplies endpoints by tiers, in an order that follows from the spec alone.
func buildRateLimits(spec v1alpha1.RateLimitsSpec) config.RateLimits {
	tiers, endpoints := spec.Tiers, spec.Endpoints
	if len(tiers) == 0 {
		tiers = defaultTiers
	}
	if len(endpoints) == 0 {
		endpoints = defaultEndpoints
	}
	limits := make([]config.Limit, 0, (len(endpoints)+len(alwaysLimited))*len(tiers))
	base := numberOf(tiers, spec.DefaultTier, 1)
	for _, e := range endpoints {
		for _, t := range tiers {
			limits = append(limits, namedLimit(e, t, base))
		}
	}
	for _, name := range alwaysLimited {
		if slices.ContainsFunc(endpoints, func(e v1alpha1.EndpointLimit) bool { return e.Name == name }) {
			continue
		}
		for _, t := range tiers {
			limits = append(limits, limit(name, t.Name, t.RequestsPerMinute, t.RequestsPerMinute, 1))
		}
	}
	return config.RateLimits{
		DefaultTier:      spec.DefaultTier,
		CachedFree:       spec.CachedResponses == v1alpha1.CachedResponsesFree,
		WholeTokens:      spec.Refill == v1alpha1.RefillWholeTokens,
		OnStoreFailure:   config.StoreFailure(spec.OnStoreFailure),
		Shadow:           ptr.Deref(spec.Shadow, false),
		Limits:           limits,
		TenantPerMinute:  perMinute(spec.Tenant),
		ServicePerMinute: perMinute(spec.Service),
	}
}

// perMinute is a limit that may not be there.
func perMinute(l *v1alpha1.SharedLimit) int {
	if l == nil {
		return 0
	}
	return int(l.RequestsPerMinute)
}

// namedLimit is what a tier gets on an endpoint that has a number: the number that the endpoint gives that tier, else
// the endpoint's number in the ratio of the tier to the default tier, whose number is base. A burst goes in the same
// ratio; without one it is a minute's worth.
func namedLimit(e v1alpha1.EndpointLimit, t v1alpha1.Tier, base int32) config.Limit {
	share, whole := t.RequestsPerMinute, base
	if own := numberOf(e.Tiers, t.Name, 0); own > 0 {
		share, whole = own, e.RequestsPerMinute
	}
	number := scale(e.RequestsPerMinute, share, whole)
	burst := number
	if e.Burst != nil {
		burst = scale(*e.Burst, share, whole)
	}
	return limit(e.Name, t.Name, number, burst, ptr.Deref(e.Cost, 1))
}

func limit(endpoint v1alpha1.Endpoint, tier string, number, burst, cost int32) config.Limit {
	return config.Limit{
		Endpoint:          string(endpoint),
		Tier:              tier,
		RequestsPerMinute: int(number),
		Burst:             int(burst),
		Cost:              int(cost),
	}
}

// scale is n*share/whole rounded down, from 1 to config.MaxRequestsPerMinute. The product of two numbers of the schema
// is under 2^40.
func scale(n, share, whole int32) int32 {
	return int32(min(max(1, int64(n)*int64(share)/int64(whole)), config.MaxRequestsPerMinute))
}

func numberOf(tiers []v1alpha1.Tier, name string, otherwise int32) int32 {
	for _, t := range tiers {
		if t.Name == name {
			return t.RequestsPerMinute
		}
	}
	return otherwise
}
