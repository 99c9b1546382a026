// Package config is the configuration of the server: what it means, whether it is valid, and how a running server
// takes up a new one. The operator writes it into a ConfigMap; run alone, the server makes it from a manifest. It holds
// no secret: those are read from files or from the manifest into Credentials.
package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"reflect"
	"regexp"
	"time"
)

// Config is the whole configuration. Every default is resolved before it is written: a zero value means zero.
type Config struct {
	Service    Service    `json:"service"`
	Stores     Stores     `json:"stores"`
	LLM        LLM        `json:"llm"`
	Retrieval  Retrieval  `json:"retrieval"`
	Cache      Cache      `json:"cache"`
	RateLimits RateLimits `json:"rateLimits"`
	Budgets    Budgets    `json:"budgets,omitzero"`
	Resilience Resilience `json:"resilience,omitzero"`
	Auth       Auth       `json:"auth"`
	CORS       CORS       `json:"cors,omitzero"`
	Logging    Logging    `json:"logging"`
	// Tracing is where spans go; nil for no traces.
	Tracing *Tracing `json:"tracing,omitempty"`
}

// Service names the RAGService that the server belongs to. Both names are part of every key in Redis.
type Service struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Replicas is the configured number of servers, at least 1. A server that has lost Redis limits to its share.
	Replicas int `json:"replicas"`
}

// Stores are the addresses of what the server connects to. A change takes effect on restart; the operator rolls the
// pods. A store that is nil is embedded in the server.
type Stores struct {
	OpenSearch *OpenSearch `json:"openSearch,omitempty"`
	Redis      *Redis      `json:"redis,omitempty"`
}

// OpenSearch is where documents are kept.
type OpenSearch struct {
	// URLs of the nodes, http or https.
	URLs []string `json:"urls"`
	// Index is the alias that names the documents' index. Indices whose names start with it belong to the service.
	Index string `json:"index"`
	// Shards is how many parts the documents' index has; 0 means 1. Another number is another index, built beside the one in use.
	Shards int `json:"shards,omitempty"`
	// Replicas is how many further copies of each part there are. A running server takes it up.
	Replicas int `json:"replicas,omitempty"`
	// Snapshots are where snapshots of the documents are kept; nil for none.
	Snapshots *Snapshots `json:"snapshots,omitempty"`
}

// Snapshots are where snapshots of the documents are kept, and how many.
type Snapshots struct {
	// Repository is its name in OpenSearch.
	Repository string `json:"repository"`
	// Location is the folder of a repository of type fs, which whoever takes a snapshot registers; without it somebody else has registered
	// the repository.
	Location string `json:"location,omitempty"`
	// Keep is how many complete ones there may be, at least 1, before the oldest are deleted.
	Keep int `json:"keep"`
}

// OpenSearchReplicas is OpenSearch.Replicas.
func (s Stores) OpenSearchReplicas() int {
	if s.OpenSearch == nil {
		return 0
	}
	return s.OpenSearch.Replicas
}

// LLM is the language model that writes the answers.
type LLM struct {
	Provider LLMProvider `json:"provider"`
	// The fields below are set with provider OpenAI.
	// BaseURL takes effect on restart, and all that comes with another one: a key never goes to the server of another.
	BaseURL     string  `json:"baseURL,omitempty"`
	Model       string  `json:"model,omitempty"`
	Temperature float64 `json:"temperature,omitempty"`
	MaxTokens   int     `json:"maxTokens,omitempty"`
	// ContextTokens is how many tokens the model reads and writes in all, more than MaxTokens.
	ContextTokens int      `json:"contextTokens,omitempty"`
	Timeout       Duration `json:"timeout,omitempty"`
	IdleTimeout   Duration `json:"idleTimeout,omitempty"`
	// Pricing is what its tokens cost.
	Pricing LLMPricing `json:"pricing,omitzero"`
	// Extract answers without the model while that is unavailable.
	Extract bool `json:"extract,omitempty"`
	// Fallbacks are asked in this order when those before them are unavailable. A server reads them when it starts, with their keys.
	Fallbacks []LLMFallback `json:"fallbacks,omitempty"`
}

// LLMFallback is a model that stands in for another.
type LLMFallback struct {
	BaseURL string `json:"baseURL"`
	Model   string `json:"model"`
	// ContextTokens is how many tokens it reads and writes in all; 0 for as many as the first model.
	ContextTokens int `json:"contextTokens,omitempty"`
	// Pricing is what its tokens cost.
	Pricing LLMPricing `json:"pricing,omitzero"`
}

// LLMPricing is what a model's tokens cost, in US dollars for a million; 0 where it is not known.
type LLMPricing struct {
	PromptUSDPerMillion     float64 `json:"promptUSDPerMillion"`
	CompletionUSDPerMillion float64 `json:"completionUSDPerMillion"`
}

// LLMProvider is a kind of language model.
type LLMProvider string

// Kinds of language model.
const (
	ProviderOpenAI     LLMProvider = "OpenAI"
	ProviderExtractive LLMProvider = "Extractive"
)

// Retrieval is how documents are cut up and found.
type Retrieval struct {
	TopK     int      `json:"topK"`
	MaxTopK  int      `json:"maxTopK"`
	Chunking Chunking `json:"chunking"`
	// Languages are the documents', BCP 47 tags out of Languages(); none means English.
	Languages []string `json:"languages,omitempty"`
}

// Chunking is the length of a passage and of what two neighbours share, in words.
type Chunking struct {
	Words        int `json:"words"`
	OverlapWords int `json:"overlapWords"`
}

// Cache is how long results are kept.
type Cache struct {
	Enabled bool `json:"enabled"`
	// TTLSearch and TTLLLM are how long search results and answers are kept.
	TTLSearch Duration `json:"ttlSearch"`
	TTLLLM    Duration `json:"ttlLLM"`
	// JitterPercent of a time to live is left out at random.
	JitterPercent int `json:"jitterPercent"`
	// StaleIfError is how long after its time to live a result stands in for one that cannot be made; 0 for not at all.
	StaleIfError Duration `json:"staleIfError"`
	// NoCacheTiers are the tiers whose callers may have results made anew.
	NoCacheTiers []string `json:"noCacheTiers,omitempty"`
	Warm         WarmUp   `json:"warm,omitzero"`
	// LocalMaxBytes bounds what a server keeps in its own memory.
	LocalMaxBytes int64 `json:"localMaxBytes"`
	// Generation is part of every key.
	Generation int64 `json:"generation"`
}

// WarmUp is what servers ask before callers do: a list of questions, and as many of those asked most.
type WarmUp struct {
	Questions []string `json:"questions,omitempty"`
	Popular   int      `json:"popular,omitempty"`
}

// RateLimits is the resolved table of limits: one row for each endpoint that is limited and each tier.
type RateLimits struct {
	// DefaultTier is the tier of a caller whose key names none, or names one that is not in the table.
	DefaultTier string `json:"defaultTier"`
	// CachedFree has answers from the cache taken from buckets of their own, CachedFactor times as large.
	CachedFree bool `json:"cachedFree,omitempty"`
	// WholeTokens has buckets gain whole tokens, each when its time has passed.
	WholeTokens bool `json:"wholeTokens,omitempty"`
	// OnStoreFailure is what decides while Redis is lost; empty for StoreFailureLocal.
	OnStoreFailure StoreFailure `json:"onStoreFailure,omitempty"`
	// Shadow has requests over a limit counted, told and admitted.
	Shadow bool    `json:"shadow,omitempty"`
	Limits []Limit `json:"limits"`
	// TenantPerMinute and ServicePerMinute limit all callers of a tenant, and all together, on the endpoints of Limits; 0 for no limit.
	TenantPerMinute  int `json:"tenantPerMinute,omitempty"`
	ServicePerMinute int `json:"servicePerMinute,omitempty"`
}

// StoreFailure is what decides about requests while Redis is lost.
type StoreFailure string

// Values of StoreFailure.
const (
	StoreFailureLocal StoreFailure = "Local"
	StoreFailureAllow StoreFailure = "Allow"
	StoreFailureDeny  StoreFailure = "Deny"
)

// CachedFactor is how much larger the buckets are that take answers from the cache, when those are free.
const CachedFactor = 10

// Limit is the token bucket of a caller of a tier on an endpoint: it holds Burst requests and gains RequestsPerMinute.
type Limit struct {
	Endpoint          string `json:"endpoint"`
	Tier              string `json:"tier"`
	RequestsPerMinute int    `json:"requestsPerMinute"`
	Burst             int    `json:"burst"`
	// Cost is how many requests one request counts for. The bucket holds max(Burst, Cost).
	Cost int `json:"cost"`
	// WholeTokens is that of the table: RateLimits.Lookup sets it.
	WholeTokens bool `json:"-"`
}

// Auth is how callers say who they are.
type Auth struct {
	Mode AuthMode `json:"mode"`
	// JWT is set with mode JWT, TrustedHeader with mode TrustedHeader.
	JWT            *JWT           `json:"jwt,omitempty"`
	TrustedHeader  *TrustedHeader `json:"trustedHeader,omitempty"`
	TrustedProxies TrustedProxies `json:"trustedProxies,omitzero"`
}

// JWT is which tokens count.
type JWT struct {
	Issuer     string   `json:"issuer"`
	Audiences  []string `json:"audiences"`
	Algorithms []string `json:"algorithms"`
	// JWKSURL is where the issuer publishes its keys, JWKS the keys themselves; one of them is set.
	JWKSURL string `json:"jwksURL,omitempty"`
	JWKS    string `json:"jwks,omitempty"`
	// TierClaim, TenantClaim, RoleClaim and GroupsClaim are names of claims.
	TierClaim   string `json:"tierClaim"`
	TenantClaim string `json:"tenantClaim"`
	RoleClaim   string `json:"roleClaim"`
	GroupsClaim string `json:"groupsClaim"`
}

// TrustedHeader is whose headers say who asks, and which; all but User may be empty.
type TrustedHeader struct {
	Networks []netip.Prefix `json:"networks"`
	User     string         `json:"user"`
	Tier     string         `json:"tier,omitempty"`
	Tenant   string         `json:"tenant,omitempty"`
	Role     string         `json:"role,omitempty"`
	Groups   string         `json:"groups,omitempty"`
}

// TrustedProxies are the proxies whose word about a client's address is taken. The zero value trusts none: anybody can
// send the headers that proxies add.
type TrustedProxies struct {
	// Depth is how many proxies stand before the server, each of which adds the address that it was called from.
	Depth int `json:"depth,omitempty"`
	// Networks are those that proxies are in; an address in one of them is a proxy's, at any depth.
	Networks []netip.Prefix `json:"networks,omitempty"`
}

// AuthMode is how callers say who they are.
type AuthMode string

// Ways to say who one is.
const (
	AuthAPIKey        AuthMode = "APIKey"
	AuthAnonymous     AuthMode = "Anonymous"
	AuthJWT           AuthMode = "JWT"
	AuthTrustedHeader AuthMode = "TrustedHeader"
)

// CORS is which web pages may read answers in a browser.
type CORS struct {
	// AllowedOrigins are origins such as https://app.example.com, or AnyOrigin; none turns CORS off.
	AllowedOrigins []string `json:"allowedOrigins,omitempty"`
}

// AnyOrigin allows the pages of every origin.
const AnyOrigin = "*"

// Logging is what the server writes to its log.
type Logging struct {
	// Level is DEBUG, INFO, WARNING, ERROR or CRITICAL.
	Level string `json:"level"`
	// LogQueries is what is told of a query; empty, as an older operator writes it, for LogQueriesHash.
	LogQueries LogQueries `json:"logQueries,omitempty"`
	// SlowQueryThreshold is how long a retrieval may take without being told as slow; 0 for any time.
	SlowQueryThreshold Duration `json:"slowQueryThreshold,omitempty"`
	// DailyVolumeLimit is how many bytes the servers of the service write in a day; 0 for no limit.
	DailyVolumeLimit int64 `json:"dailyVolumeLimit,omitempty"`
	// File is a copy of the log in files; a change takes effect on restart.
	File LogFile `json:"file,omitzero"`
}

// LogFile is a copy of the log in files.
type LogFile struct {
	Enabled bool `json:"enabled"`
	// MaxBytes bounds all files together.
	MaxBytes int64 `json:"maxBytes"`
}

// DailyLogVolume is one server's share of logging.dailyVolumeLimit, in bytes.
func (c Config) DailyLogVolume() int64 {
	if c.Logging.DailyVolumeLimit == 0 {
		return 0
	}
	return max(1, c.Logging.DailyVolumeLimit/int64(max(1, c.Service.Replicas)))
}

// DefaultLogDir is where the operator mounts a volume for the log's files.
const DefaultLogDir = "/var/log/ragservice"

// LogQueries is what the log tells of the text of a query.
type LogQueries string

// What the log tells of a query: a keyed hash, the text as well, or nothing.
const (
	LogQueriesHash LogQueries = "Hash"
	LogQueriesFull LogQueries = "Full"
	LogQueriesNone LogQueries = "None"
)

// Duration is a time.Duration that is written as Go writes it: "1h30m0s".
type Duration time.Duration

// MarshalJSON writes d as a string.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// UnmarshalJSON reads d from a string. Its errors are of the decoder's own type, to which that adds the field's path.
func (d *Duration) UnmarshalJSON(data []byte) error {
	// What it is instead is not told: errors of a configuration are logged, and a secret may have got into the wrong field.
	mistyped := &json.UnmarshalTypeError{Value: "another value", Type: reflect.TypeFor[Duration]()}
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return mistyped
	}
	parsed, err := time.ParseDuration(s)
	if err != nil {
		return mistyped
	}
	*d = Duration(parsed)
	return nil
}

// D returns d as a time.Duration.
func (d Duration) D() time.Duration { return time.Duration(d) }

// replicasLine is service.replicas as the operator writes it.
var replicasLine = regexp.MustCompile(`(?m)^  replicas: [0-9]+\n`)

// Hash identifies a configuration by the bytes of its file: 16 hexadecimal characters of their SHA-256. The operator
// computes it for what it writes, a server for what it runs. It leaves service.replicas out: servers take it up when they see
// it, and nobody waits for that when a service is scaled.
func Hash(data []byte) string {
	sum := sha256.Sum256(replicasLine.ReplaceAll(data, nil))
	return hex.EncodeToString(sum[:8])
}
