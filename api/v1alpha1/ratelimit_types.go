package v1alpha1

// RateLimitsSpec is how many requests each tier may make on each endpoint. A tier is a number, not a bucket of its own:
// an endpoint's number is what the default tier gets there, another tier gets it in the ratio of the tiers' numbers
// (free 10, premium 100: on an endpoint with 10, premium gets 100), unless the endpoint names that tier. What comes of
// the ratio is rounded down, to at least 1 and at most 1000000.
// +kubebuilder:validation:XValidation:rule="!has(self.defaultTier) || (has(self.tiers) ? self.tiers.exists(t, t.name == self.defaultTier) : self.defaultTier in ['free', 'premium', 'enterprise'])",fieldPath=".defaultTier",message="spec.rateLimits.defaultTier must be the name of one of spec.rateLimits.tiers (free, premium or enterprise when no tiers are given)"
// +kubebuilder:validation:XValidation:rule="!has(self.endpoints) || self.endpoints.all(e, !has(e.tiers) || e.tiers.all(o, has(self.tiers) ? self.tiers.exists(t, t.name == o.name) : o.name in ['free', 'premium', 'enterprise']))",fieldPath=".endpoints",message="spec.rateLimits.endpoints[].tiers[].name must be the name of one of spec.rateLimits.tiers (free, premium or enterprise when no tiers are given)"
type RateLimitsSpec struct {
	// defaultTier is the tier of a caller whose key names none. Default free.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +default="free"
	// +optional
	DefaultTier string `json:"defaultTier,omitempty"`
	// tenant limits all callers of a tenant together, over the endpoints that are limited. Without it they have no limit together.
	// +optional
	Tenant *SharedLimit `json:"tenant,omitempty"`
	// service limits all callers together, over the endpoints that are limited. Without it they have no limit together.
	// +optional
	Service *SharedLimit `json:"service,omitempty"`
	// refill is how a bucket gains requests. Continuous: in parts, as time passes. WholeTokens: one at a time, when its time has passed
	// since the last admission, which drops the part of the next one that was gained. Default Continuous.
	// +kubebuilder:validation:Enum=Continuous;WholeTokens
	// +default="Continuous"
	// +optional
	Refill Refill `json:"refill,omitempty"`
	// onStoreFailure is what decides while Redis is lost. Local: each server grants its share. Allow: nobody is limited.
	// Deny: limited endpoints answer 503. Default Local.
	// +kubebuilder:validation:Enum=Local;Allow;Deny
	// +default="Local"
	// +optional
	OnStoreFailure StoreFailure `json:"onStoreFailure,omitempty"`
	// shadow tries limits: requests over them are counted, told in the log, and admitted. Default false.
	// +default=false
	// +optional
	Shadow *bool `json:"shadow,omitempty"`
	// cachedResponses says what an answer from the cache costs. Charge: what any other does. Free: the cache is looked up first, and
	// a search, ask or stream that it answers takes nothing from its limit, up to 10 times that limit. Default Charge.
	// +kubebuilder:validation:Enum=Charge;Free
	// +default="Charge"
	// +optional
	CachedResponses CachedResponses `json:"cachedResponses,omitempty"`
	// tiers of callers. Without them: free 10, premium 100, enterprise 1000 requests a minute.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +listType=map
	// +listMapKey=name
	// +optional
	Tiers []Tier `json:"tiers,omitempty"`
	// endpoints that have a number of their own. Without them: search 60, ask 10, stream 5 requests a minute. An
	// endpoint that is not named has the caller's tier's number, but documents and invalidate, which are not limited unless named.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=7
	// +listType=map
	// +listMapKey=name
	// +optional
	Endpoints []EndpointLimit `json:"endpoints,omitempty"`
}

// SharedLimit is a limit that callers share.
type SharedLimit struct {
	// requestsPerMinute of all of them together; as many may come at once.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	// +required
	RequestsPerMinute int32 `json:"requestsPerMinute,omitempty"`
}

// Refill is how a bucket gains requests.
type Refill string

// Values of Refill.
const (
	// RefillContinuous gains parts of a request as time passes.
	RefillContinuous Refill = "Continuous"
	// RefillWholeTokens gains a request when its time has passed since the last admission.
	RefillWholeTokens Refill = "WholeTokens"
)

// StoreFailure is what decides about requests while Redis is lost.
type StoreFailure string

// Values of StoreFailure.
const (
	// StoreFailureLocal grants each server its share.
	StoreFailureLocal StoreFailure = "Local"
	// StoreFailureAllow limits nobody.
	StoreFailureAllow StoreFailure = "Allow"
	// StoreFailureDeny admits nobody.
	StoreFailureDeny StoreFailure = "Deny"
)

// CachedResponses says what an answer from the cache costs.
type CachedResponses string

// Values of CachedResponses.
const (
	// CachedResponsesCharge takes them from the limit.
	CachedResponsesCharge CachedResponses = "Charge"
	// CachedResponsesFree takes them from a limit of their own, 10 times as large.
	CachedResponsesFree CachedResponses = "Free"
)

// Tier is a class of callers.
type Tier struct {
	// name of the tier, as keys name it.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +required
	Name string `json:"name,omitempty"`
	// requestsPerMinute is the tier's number.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	// +required
	RequestsPerMinute int32 `json:"requestsPerMinute,omitempty"`
}

// EndpointLimit is how many requests may be made on an endpoint.
type EndpointLimit struct {
	// name of the endpoint: search, ask, stream, documents, invalidate, stats or feedback.
	// +kubebuilder:validation:Enum=search;ask;stream;documents;invalidate;stats;feedback
	// +required
	Name Endpoint `json:"name,omitempty"`
	// requestsPerMinute is what the default tier gets.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	// +required
	RequestsPerMinute int32 `json:"requestsPerMinute,omitempty"`
	// burst is how many requests the default tier may make at once, and is scaled for another tier as the number is.
	// Default: a minute's worth.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	// +optional
	Burst *int32 `json:"burst,omitempty"`
	// cost is how many requests one request counts for. Default 1.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +default=1
	// +optional
	Cost *int32 `json:"cost,omitempty"`
	// tiers that have a number of their own on this endpoint, instead of the ratio.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +listType=map
	// +listMapKey=name
	// +optional
	Tiers []Tier `json:"tiers,omitempty"`
}

// Endpoint is a limited part of the server's API.
type Endpoint string

// Values of Endpoint.
const (
	// EndpointSearch is POST /api/v1/search.
	EndpointSearch Endpoint = "search"
	// EndpointAsk is POST /api/v1/ask.
	EndpointAsk Endpoint = "ask"
	// EndpointStream is POST /api/v1/stream.
	EndpointStream Endpoint = "stream"
	// EndpointDocuments is everything under /api/v1/documents.
	EndpointDocuments Endpoint = "documents"
	// EndpointInvalidate is POST /api/v1/cache/invalidate.
	EndpointInvalidate Endpoint = "invalidate"
	// EndpointStats is GET /api/v1/stats.
	EndpointStats Endpoint = "stats"
	// EndpointFeedback is everything under /api/v1/feedback.
	EndpointFeedback Endpoint = "feedback"
)
