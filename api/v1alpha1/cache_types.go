package v1alpha1

// CacheSpec is how long results are kept.
type CacheSpec struct {
	// enabled turns the cache on; without it every request is worked out anew, and X-Cache says BYPASS. Default true.
	// +default=true
	// +optional
	Enabled *bool `json:"enabled,omitempty"`
	// ttl is how long each kind of result is kept.
	// +default={}
	// +optional
	TTL CacheTTLSpec `json:"ttl,omitzero"`
	// jitterPercent of a time to live is left out at random, so that what came together does not expire together. Default 10.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=50
	// +default=10
	// +optional
	JitterPercent *int32 `json:"jitterPercent,omitempty"`
	// staleIfError is how long after its time to live a result stands in for one that cannot be made, because OpenSearch or the
	// model is down; X-Cache then says STALE. While a server cannot read whether documents have changed, it is counted from when it last could. From
	// 0s, which turns it off, to 24h. Default 10m.
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(ms|s|m|h))+$') && duration(self) <= duration('24h')",message="must be a duration from 0s to 24h, such as 10m or 1h"
	// +default="10m"
	// +optional
	StaleIfError Duration `json:"staleIfError,omitempty"`
	// noCacheTiers are the tiers of spec.rateLimits whose callers may send Cache-Control: no-cache: their result is made anew, and
	// kept for others. From callers of other tiers the header has no effect. Default none.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=32
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +listType=set
	// +optional
	NoCacheTiers []string `json:"noCacheTiers,omitempty"`
	// warm is what servers ask before callers do, when they have started and when documents have changed or results were invalidated.
	// +default={}
	// +optional
	Warm CacheWarmSpec `json:"warm,omitzero"`
	// local is the part of the cache that each server keeps in its own memory.
	// +default={}
	// +optional
	Local LocalCacheSpec `json:"local,omitzero"`
	// generation is part of every key: raising it empties the cache at once. Default 0.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:XValidation:rule="self >= oldSelf",reason=FieldValueForbidden,message="must not go down, since results of an earlier generation could come back: raise it to empty the cache"
	// +default=0
	// +optional
	Generation *int64 `json:"generation,omitempty"`
}

// CacheWarmSpec is what servers ask before callers do, after what callers ask: once nothing has changed for 5 s.
type CacheWarmSpec struct {
	// questions are asked in the default tenant, for callers without groups. Default none.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=100
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=1000
	// +listType=set
	// +optional
	Questions []string `json:"questions,omitempty"`
	// popular is how many of the questions are asked again that callers have asked a server most since it started, as those callers would.
	// Default 0.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	// +default=0
	// +optional
	Popular *int32 `json:"popular,omitempty"`
}

// CacheTTLSpec is how long each kind of result is kept, from 1s to 720h.
type CacheTTLSpec struct {
	// search is how long search results are kept. Default 1h.
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(ms|s|m|h))+$') && duration(self) >= duration('1s') && duration(self) <= duration('720h')",message="must be a duration from 1s to 720h, such as 15m or 24h"
	// +default="1h"
	// +optional
	Search Duration `json:"search,omitempty"`
	// llm is how long answers are kept. Default 15m.
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(ms|s|m|h))+$') && duration(self) >= duration('1s') && duration(self) <= duration('720h')",message="must be a duration from 1s to 720h, such as 15m or 24h"
	// +default="15m"
	// +optional
	LLM Duration `json:"llm,omitempty"`
}

// LocalCacheSpec is the part of the cache that each server keeps in its own memory.
type LocalCacheSpec struct {
	// maxBytes bounds the results kept, by their size. Default 64Mi.
	// +kubebuilder:validation:XValidation:rule="isQuantity(self) && quantity(self).compareTo(quantity('1Mi')) >= 0 && quantity(self).compareTo(quantity('16Gi')) <= 0",message="must be an amount from 1Mi to 16Gi, such as 256Mi"
	// +default="64Mi"
	// +optional
	MaxBytes Quantity `json:"maxBytes,omitempty"`
}
