package serverconfig_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/internal/serverconfig"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

func TestRateLimits(t *testing.T) {
	tests := []struct {
		name, spec     string
		endpoint, tier string
		want           config.Limit
	}{
		{name: "default tier", endpoint: "ask", tier: "free", want: config.Limit{RequestsPerMinute: 10, Burst: 10, Cost: 1}},
		{name: "ratio of the tiers", endpoint: "ask", tier: "premium", want: config.Limit{RequestsPerMinute: 100, Burst: 100, Cost: 1}},
		{name: "ratio of the largest tier", endpoint: "search", tier: "enterprise", want: config.Limit{RequestsPerMinute: 6000, Burst: 6000, Cost: 1}},
		{name: "stream", endpoint: "stream", tier: "premium", want: config.Limit{RequestsPerMinute: 50, Burst: 50, Cost: 1}},
		{name: "feedback", endpoint: "feedback", tier: "free", want: config.Limit{RequestsPerMinute: 10, Burst: 10, Cost: 1}},
		{name: "endpoint without a number", endpoint: "stats", tier: "premium", want: config.Limit{RequestsPerMinute: 100, Burst: 100, Cost: 1}},
		{
			name: "endpoints given replace those of the product", spec: "{endpoints: [{name: ask, requestsPerMinute: 3}]}",
			endpoint: "search", tier: "free", want: config.Limit{RequestsPerMinute: 10, Burst: 10, Cost: 1},
		},
		{
			name: "ratio against another default tier", spec: "{defaultTier: premium}",
			endpoint: "search", tier: "free", want: config.Limit{RequestsPerMinute: 6, Burst: 6, Cost: 1},
		},
		{
			name: "rounded down", spec: "{tiers: [{name: free, requestsPerMinute: 3}, {name: less, requestsPerMinute: 2}]}",
			endpoint: "ask", tier: "less", want: config.Limit{RequestsPerMinute: 6, Burst: 6, Cost: 1},
		},
		{
			name: "at least one", spec: "{tiers: [{name: free, requestsPerMinute: 100}, {name: less, requestsPerMinute: 1}]}",
			endpoint: "stream", tier: "less", want: config.Limit{RequestsPerMinute: 1, Burst: 1, Cost: 1},
		},
		{
			name:     "at most what a bucket can hold",
			spec:     "{tiers: [{name: free, requestsPerMinute: 1}, {name: more, requestsPerMinute: 1000000}], endpoints: [{name: ask, requestsPerMinute: 1000000, burst: 1000000}]}",
			endpoint: "ask", tier: "more", want: config.Limit{RequestsPerMinute: 1000000, Burst: 1000000, Cost: 1},
		},
		{
			name: "burst in the same ratio", spec: "{endpoints: [{name: ask, requestsPerMinute: 10, burst: 25, cost: 2}]}",
			endpoint: "ask", tier: "premium", want: config.Limit{RequestsPerMinute: 100, Burst: 250, Cost: 2},
		},
		{
			name: "own number of a tier", spec: "{endpoints: [{name: ask, requestsPerMinute: 10, tiers: [{name: premium, requestsPerMinute: 40}]}]}",
			endpoint: "ask", tier: "premium", want: config.Limit{RequestsPerMinute: 40, Burst: 40, Cost: 1},
		},
		{
			name: "burst with the own number of a tier", spec: "{endpoints: [{name: ask, requestsPerMinute: 10, burst: 25, tiers: [{name: premium, requestsPerMinute: 15}]}]}",
			endpoint: "ask", tier: "premium", want: config.Limit{RequestsPerMinute: 15, Burst: 37, Cost: 1},
		},
		{
			name: "own number of the default tier leaves the ratio of others", spec: "{endpoints: [{name: ask, requestsPerMinute: 10, tiers: [{name: free, requestsPerMinute: 1}]}]}",
			endpoint: "ask", tier: "premium", want: config.Limit{RequestsPerMinute: 100, Burst: 100, Cost: 1},
		},
		{
			name: "documents when named", spec: "{endpoints: [{name: documents, requestsPerMinute: 2}]}",
			endpoint: "documents", tier: "premium", want: config.Limit{RequestsPerMinute: 20, Burst: 20, Cost: 1},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			spec := extractive
			if tt.spec != "" {
				spec += "  rateLimits: " + tt.spec + "\n"
			}
			cfg, err := serverconfig.Build(load(t, spec), managed)
			if err != nil {
				t.Fatal(err)
			}
			tt.want.Endpoint, tt.want.Tier = tt.endpoint, tt.tier
			got, _ := cfg.RateLimits.Lookup(tt.endpoint, tt.tier)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDocumentsAreNotLimitedUnlessNamed(t *testing.T) {
	cfg, err := serverconfig.Build(load(t, extractive), managed)
	if err != nil {
		t.Fatal(err)
	}
	if got, limited := cfg.RateLimits.Lookup("documents", "free"); limited {
		t.Errorf("limited to %+v", got)
	}
}
