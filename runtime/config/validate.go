package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Bounds of what a configuration may ask for.
const (
	// MaxTopK is the largest number of passages of one answer.
	MaxTopK = 200
	// MaxRequestsPerMinute bounds limits and bursts, so that a bucket's micro-tokens stay whole numbers in Redis, whose
	// scripts count in floats of 53 bits.
	MaxRequestsPerMinute = 1_000_000
	// MinLogFiles is the smallest size of the log's files, in bytes: half of it holds what waits for the disk.
	MinLogFiles = 16 << 20
	// MaxCost is the most requests that one may count for.
	MaxCost = 1000
)

// Validate checks that a server can run c. Each line of the error is the path of a field and what it must be.
func (c Config) Validate() error {
	var p problems
	p.need(c.Service.Namespace != "", "service.namespace", "must not be empty")
	p.need(c.Service.Name != "", "service.name", "must not be empty")
	p.need(c.Service.Replicas >= 1, "service.replicas", "must be at least 1")
	c.Stores.validate(&p)
	c.LLM.validate(&p)
	c.Retrieval.validate(&p)
	c.Cache.validate(&p)
	c.RateLimits.validate(&p)
	c.Budgets.validate(&p)
	c.Resilience.validate(&p)
	c.Auth.validate(&p)
	for i, origin := range c.CORS.AllowedOrigins {
		p.need(isOrigin(origin), fmt.Sprintf("cors.allowedOrigins[%d]", i), "must be an origin such as https://app.example.com, or *")
	}
	c.Logging.validate(&p)
	c.Tracing.validate(&p)
	return errors.Join(p...)
}

func (l Logging) validate(p *problems) {
	levels := []string{"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}
	p.need(slices.Contains(levels, l.Level), "logging.level", "must be DEBUG, INFO, WARNING, ERROR or CRITICAL")
	told := []LogQueries{"", LogQueriesHash, LogQueriesFull, LogQueriesNone}
	p.need(slices.Contains(told, l.LogQueries), "logging.logQueries", "must be Hash, Full or None")
	p.need(l.SlowQueryThreshold >= 0, "logging.slowQueryThreshold", "must be at least 0s")
	p.need(l.DailyVolumeLimit >= 0, "logging.dailyVolumeLimit", "must be at least 0")
	p.need(!l.File.Enabled || l.File.MaxBytes >= MinLogFiles, "logging.file.maxBytes", "must be at least %d", MinLogFiles)
}

// problems are what is wrong, in the order of the fields.
type problems []error

func (p *problems) need(ok bool, path, format string, args ...any) {
	if !ok {
		*p = append(*p, fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...)))
	}
}

func (s Stores) validate(p *problems) {
	if s.OpenSearch != nil {
		p.need(len(s.OpenSearch.URLs) > 0, "stores.openSearch.urls", "must name a node")
		for i, u := range s.OpenSearch.URLs {
			p.need(isHTTP(u), fmt.Sprintf("stores.openSearch.urls[%d]", i), "must be an http or https URL")
		}
		p.need(s.OpenSearch.Index != "", "stores.openSearch.index", "must not be empty")
		p.need(s.OpenSearch.Shards >= 0, "stores.openSearch.shards", "must be at least 0")
		p.need(s.OpenSearch.Replicas >= 0, "stores.openSearch.replicas", "must be at least 0")
		if snapshots := s.OpenSearch.Snapshots; snapshots != nil {
			p.need(snapshots.Repository != "", "stores.openSearch.snapshots.repository", "must not be empty")
			p.need(snapshots.Keep >= 1, "stores.openSearch.snapshots.keep", "must be at least 1")
		}
	}
	if s.Redis != nil {
		s.Redis.validate(p)
	}
}

func (l LLM) validate(p *problems) {
	switch l.Provider {
	case ProviderExtractive:
	case ProviderOpenAI:
		p.need(isHTTP(l.BaseURL), "llm.baseURL", "must be an http or https URL")
		p.need(l.Model != "", "llm.model", "must not be empty")
		p.need(l.Temperature >= 0 && l.Temperature <= 2, "llm.temperature", "must be from 0 to 2")
		p.need(l.MaxTokens >= 1, "llm.maxTokens", "must be at least 1")
		p.need(l.ContextTokens > l.MaxTokens, "llm.contextTokens", "must be more than llm.maxTokens")
		p.need(l.Timeout > 0, "llm.timeout", "must be more than 0s")
		p.need(l.IdleTimeout > 0, "llm.idleTimeout", "must be more than 0s")
		for i, fallback := range l.Fallbacks {
			path := fmt.Sprintf("llm.fallbacks[%d]", i)
			p.need(isHTTP(fallback.BaseURL), path+".baseURL", "must be an http or https URL")
			p.need(fallback.Model != "", path+".model", "must not be empty")
			p.need(fallback.ContextTokens == 0 || fallback.ContextTokens > l.MaxTokens, path+".contextTokens", "must be more than llm.maxTokens")
		}
	default:
		p.need(false, "llm.provider", "must be OpenAI or Extractive")
	}
}

// Languages are the tags that retrieval.languages may have: those that runtime/terms has stop words and a stemmer for
// (nb for Norwegian: YAML reads no as false).
func Languages() []string {
	return []string{"ar", "da", "de", "en", "es", "fi", "fr", "ga", "hu", "it", "nb", "nl", "pt", "ro", "ru", "sv", "ta", "tr"}
}

func (r Retrieval) validate(p *problems) {
	p.need(r.TopK >= 1, "retrieval.topK", "must be at least 1")
	p.need(r.MaxTopK >= 1 && r.MaxTopK <= MaxTopK, "retrieval.maxTopK", "must be from 1 to %d", MaxTopK)
	p.need(r.TopK <= r.MaxTopK, "retrieval.topK", "must be at most retrieval.maxTopK")
	p.need(r.Chunking.Words >= 1, "retrieval.chunking.words", "must be at least 1")
	p.need(r.Chunking.OverlapWords >= 0 && r.Chunking.OverlapWords*2 <= r.Chunking.Words, "retrieval.chunking.overlapWords",
		"must be from 0 to half of retrieval.chunking.words")
	for i, tag := range r.Languages {
		p.need(slices.Contains(Languages(), tag), fmt.Sprintf("retrieval.languages[%d]", i), "must be one of %s", strings.Join(Languages(), ", "))
	}
}

func (c Cache) validate(p *problems) {
	p.need(c.TTLSearch > 0, "cache.ttlSearch", "must be more than 0s")
	p.need(c.TTLLLM > 0, "cache.ttlLLM", "must be more than 0s")
	p.need(c.JitterPercent >= 0 && c.JitterPercent <= 50, "cache.jitterPercent", "must be from 0 to 50")
	p.need(c.StaleIfError >= 0, "cache.staleIfError", "must be at least 0s")
	p.need(c.LocalMaxBytes >= 1, "cache.localMaxBytes", "must be at least 1")
	p.need(c.Generation >= 0, "cache.generation", "must be at least 0")
}

func (a Auth) validate(p *problems) {
	switch a.Mode {
	case AuthAPIKey, AuthAnonymous:
	case AuthJWT:
		p.need(a.JWT != nil, "auth.jwt", "must be set with mode JWT")
	case AuthTrustedHeader:
		p.need(a.TrustedHeader != nil, "auth.trustedHeader", "must be set with mode TrustedHeader")
	default:
		p.need(false, "auth.mode", "must be APIKey, Anonymous, JWT or TrustedHeader")
	}
	p.need(a.TrustedProxies.Depth >= 0, "auth.trustedProxies.depth", "must be at least 0")
	if h := a.TrustedHeader; h != nil {
		p.need(len(h.Networks) > 0, "auth.trustedHeader.networks", "must not be empty")
		p.need(h.User != "", "auth.trustedHeader.user", "must not be empty")
	}
	if a.JWT != nil {
		a.JWT.validate(p)
	}
}

func (j JWT) validate(p *problems) {
	p.need(j.Issuer != "", "auth.jwt.issuer", "must not be empty")
	p.need(len(j.Audiences) > 0, "auth.jwt.audiences", "must not be empty")
	p.need(len(j.Algorithms) > 0, "auth.jwt.algorithms", "must not be empty")
	for _, name := range j.Algorithms {
		p.need(slices.Contains(jwtAlgorithms, name), "auth.jwt.algorithms", "must be of asymmetric keys, such as RS256")
	}
	p.need((j.JWKSURL == "") != (j.JWKS == ""), "auth.jwt.jwksURL", "must be set, or else auth.jwt.jwks")
	p.need(j.TierClaim != "" && j.TenantClaim != "" && j.RoleClaim != "" && j.GroupsClaim != "", "auth.jwt", "must name its claims")
	if j.JWKS != "" {
		_, _, err := ParseJWKS([]byte(j.JWKS))
		p.need(err == nil, "auth.jwt.jwks", "%v", err)
	}
}

// validate also wants a row of the default tier for every endpoint: without it callers of other tiers would not be
// limited there.
func (r RateLimits) validate(p *problems) {
	p.need(r.DefaultTier != "", "rateLimits.defaultTier", "must not be empty")
	shared := func(perMinute int, path string) {
		p.need(perMinute >= 0 && perMinute <= MaxRequestsPerMinute, path, "must be from 0 to %d", MaxRequestsPerMinute)
	}
	shared(r.TenantPerMinute, "rateLimits.tenantPerMinute")
	shared(r.ServicePerMinute, "rateLimits.servicePerMinute")
	switch r.OnStoreFailure {
	case "", StoreFailureLocal, StoreFailureAllow, StoreFailureDeny:
	default:
		p.need(false, "rateLimits.onStoreFailure", "must be Local, Allow or Deny")
	}
	type bucket struct{ endpoint, tier string }
	seen := map[bucket]bool{}
	for i, l := range r.Limits {
		path := fmt.Sprintf("rateLimits.limits[%d]", i)
		p.need(l.Endpoint != "", path+".endpoint", "must not be empty")
		p.need(l.Tier != "", path+".tier", "must not be empty")
		p.need(inRange(l.RequestsPerMinute, MaxRequestsPerMinute), path+".requestsPerMinute", "must be from 1 to %d", MaxRequestsPerMinute)
		p.need(inRange(l.Burst, MaxRequestsPerMinute), path+".burst", "must be from 1 to %d", MaxRequestsPerMinute)
		p.need(inRange(l.Cost, MaxCost), path+".cost", "must be from 1 to %d", MaxCost)
		p.need(!seen[bucket{l.Endpoint, l.Tier}], path, "must be the only one of its endpoint and tier")
		seen[bucket{l.Endpoint, l.Tier}] = true
	}
	for i, l := range r.Limits {
		p.need(seen[bucket{l.Endpoint, r.DefaultTier}], fmt.Sprintf("rateLimits.limits[%d].endpoint", i),
			"must have a limit for the default tier too")
	}
}

func inRange(n, most int) bool { return n >= 1 && n <= most }

func isHTTP(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != ""
}

func isOrigin(text string) bool {
	u, err := url.Parse(text)
	return text == AnyOrigin || err == nil && isHTTP(text) && *u == url.URL{Scheme: u.Scheme, Host: u.Host}
}

func isHostPort(text string) bool {
	host, port, err := net.SplitHostPort(text)
	if err != nil || host == "" {
		return false
	}
	n, err := strconv.Atoi(port)
	return err == nil && n >= 1 && n <= 65535
}
