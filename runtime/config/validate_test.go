package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/terms"
)

// valid is a configuration that every case changes in one place.
func valid() config.Config {
	return config.Config{
		Service: config.Service{Namespace: "library", Name: "papers", Replicas: 2},
		Stores: config.Stores{
			OpenSearch: &config.OpenSearch{URLs: []string{"http://opensearch:9200"}, Index: "papers"},
			Redis: &config.Redis{
				Cache: config.RedisInstance{Address: "cache:6379"},
				State: config.RedisInstance{Address: "[::1]:6379"},
			},
		},
		LLM: config.LLM{
			Provider: config.ProviderOpenAI, BaseURL: "https://llm/v1", Model: "m", Temperature: 0.2, MaxTokens: 8, ContextTokens: 9,
			Timeout: config.Duration(time.Second), IdleTimeout: config.Duration(time.Second),
		},
		Retrieval: config.Retrieval{TopK: 5, MaxTopK: 50, Chunking: config.Chunking{Words: 600, OverlapWords: 100}},
		Cache: config.Cache{
			Enabled: true, TTLSearch: config.Duration(time.Hour), TTLLLM: config.Duration(time.Minute), LocalMaxBytes: 1,
		},
		RateLimits: config.RateLimits{
			DefaultTier: "free",
			Limits:      []config.Limit{{Endpoint: "ask", Tier: "free", RequestsPerMinute: 10, Burst: 10, Cost: 1}},
		},
		Auth:    config.Auth{Mode: config.AuthAPIKey},
		Logging: config.Logging{Level: "INFO"},
	}
}

// changes are made to a valid configuration.
var changes = []struct {
	name   string
	change func(*config.Config)
	// want are the fields at fault then.
	want []string
}{
	{name: "valid", change: func(*config.Config) {}},
	{name: "embedded stores", change: func(c *config.Config) { c.Stores = config.Stores{} }},
	{name: "sentinels and a cluster", change: func(c *config.Config) {
		c.Stores.Redis.Cache = config.RedisInstance{Cluster: []string{"a:1", "b:2"}, TLS: &config.RedisTLS{}}
		c.Stores.Redis.State = config.RedisInstance{Sentinel: &config.RedisSentinel{Addresses: []string{"a:1"}, MasterName: "m"}}
	}},
	{name: "extractive", change: func(c *config.Config) { c.LLM = config.LLM{Provider: config.ProviderExtractive} }},
	{name: "nothing limited", change: func(c *config.Config) { c.RateLimits.Limits = nil }},
	{name: "no name", change: func(c *config.Config) { c.Service = config.Service{} }, want: []string{"service.namespace", "service.name",
		"service.replicas"}},
	{name: "no URL", change: func(c *config.Config) { c.Stores.OpenSearch.URLs = nil }, want: []string{"stores.openSearch.urls"}},
	{name: "bad URL", change: func(c *config.Config) { c.Stores.OpenSearch.URLs = []string{"http://a", "b:9200"} },
		want: []string{"stores.openSearch.urls[1]"}},
	{name: "no index", change: func(c *config.Config) { c.Stores.OpenSearch.Index = "" }, want: []string{"stores.openSearch.index"}},
	{name: "no shards", change: func(c *config.Config) { c.Stores.OpenSearch.Shards, c.Stores.OpenSearch.Replicas = -1, -1 },
		want: []string{"stores.openSearch.shards", "stores.openSearch.replicas"}},
	{name: "address without port", change: func(c *config.Config) { c.Stores.Redis.Cache.Address = "cache" },
		want: []string{"stores.redis.cache.address"}},
	{name: "no Redis at all", change: func(c *config.Config) { c.Stores.Redis.Cache = config.RedisInstance{} },
		want: []string{"stores.redis.cache.address"}},
	{name: "two kinds of Redis", change: func(c *config.Config) { c.Stores.Redis.State.Cluster = []string{"a:1"} },
		want: []string{"stores.redis.state"}},
	{name: "a cluster without nodes", change: func(c *config.Config) { c.Stores.Redis.State = config.RedisInstance{Cluster: []string{}} },
		want: []string{"stores.redis.state.cluster"}},
	{name: "a node without port", change: func(c *config.Config) { c.Stores.Redis.State = config.RedisInstance{Cluster: []string{"a:1", "b"}} },
		want: []string{"stores.redis.state.cluster[1]"}},
	{name: "sentinels without a name of the primary", change: func(c *config.Config) {
		c.Stores.Redis.Cache = config.RedisInstance{Sentinel: &config.RedisSentinel{Addresses: []string{"a:1"}}}
	}, want: []string{"stores.redis.cache.sentinel.masterName"}},
	{name: "no sentinels", change: func(c *config.Config) {
		c.Stores.Redis.Cache = config.RedisInstance{Sentinel: &config.RedisSentinel{MasterName: "m"}}
	}, want: []string{"stores.redis.cache.sentinel.addresses"}},
	{name: "address without host", change: func(c *config.Config) { c.Stores.Redis.State.Address = ":6379" },
		want: []string{"stores.redis.state.address"}},
	{name: "address with a wrong port", change: func(c *config.Config) { c.Stores.Redis.State.Address = "a:65536" },
		want: []string{"stores.redis.state.address"}},
	{name: "unknown provider", change: func(c *config.Config) { c.LLM.Provider = "Oracle" }, want: []string{"llm.provider"}},
	{
		name: "model without settings", change: func(c *config.Config) { c.LLM = config.LLM{Provider: config.ProviderOpenAI} },
		want: []string{"llm.baseURL", "llm.model", "llm.maxTokens", "llm.contextTokens", "llm.timeout", "llm.idleTimeout"},
	},
	{
		name: "a fallback's context",
		change: func(c *config.Config) {
			c.LLM.Fallbacks = []config.LLMFallback{{BaseURL: "http://b", Model: "m", ContextTokens: c.LLM.MaxTokens}, {BaseURL: "http://b", Model: "m"}}
		},
		want: []string{"llm.fallbacks[0].contextTokens"},
	},
	{name: "context", change: func(c *config.Config) { c.LLM.ContextTokens = c.LLM.MaxTokens }, want: []string{"llm.contextTokens"}},
	{name: "temperature", change: func(c *config.Config) { c.LLM.Temperature = 2.1 }, want: []string{"llm.temperature"}},
	{name: "topK", change: func(c *config.Config) { c.Retrieval.TopK = 0 }, want: []string{"retrieval.topK"}},
	{name: "topK over maxTopK", change: func(c *config.Config) { c.Retrieval.TopK = 51 }, want: []string{"retrieval.topK"}},
	{name: "maxTopK", change: func(c *config.Config) { c.Retrieval.MaxTopK = 201 }, want: []string{"retrieval.maxTopK"}},
	{name: "language", change: func(c *config.Config) { c.Retrieval.Languages = []string{"en", "xx"} }, want: []string{"retrieval.languages[1]"}},
	{name: "overlap", change: func(c *config.Config) { c.Retrieval.Chunking.OverlapWords = 301 }, want: []string{"retrieval.chunking.overlapWords"}},
	{name: "no words", change: func(c *config.Config) { c.Retrieval.Chunking = config.Chunking{} }, want: []string{"retrieval.chunking.words"}},
	{name: "cache", change: func(c *config.Config) { c.Cache = config.Cache{Generation: -1, JitterPercent: 51, StaleIfError: -1} }, want: []string{
		"cache.ttlSearch", "cache.ttlLLM", "cache.jitterPercent", "cache.staleIfError", "cache.localMaxBytes", "cache.generation",
	}},
	{name: "no default tier", change: func(c *config.Config) { c.RateLimits = config.RateLimits{} }, want: []string{"rateLimits.defaultTier"}},
	{
		name: "empty limit", change: func(c *config.Config) { c.RateLimits.Limits = append(c.RateLimits.Limits, config.Limit{}) },
		want: []string{
			"rateLimits.limits[1].endpoint", "rateLimits.limits[1].tier", "rateLimits.limits[1].requestsPerMinute",
			"rateLimits.limits[1].burst", "rateLimits.limits[1].cost", "rateLimits.limits[1].endpoint",
		},
	},
	{name: "shared limits out of bounds", change: func(c *config.Config) {
		c.RateLimits.TenantPerMinute, c.RateLimits.ServicePerMinute, c.RateLimits.OnStoreFailure = -1, 1_000_001, "Panic"
	}, want: []string{"rateLimits.tenantPerMinute", "rateLimits.servicePerMinute", "rateLimits.onStoreFailure"}},
	{name: "limit over what a bucket holds", change: func(c *config.Config) { c.RateLimits.Limits[0].Burst = 1_000_001 },
		want: []string{"rateLimits.limits[0].burst"}},
	{name: "same limit twice", change: func(c *config.Config) { c.RateLimits.Limits = append(c.RateLimits.Limits, c.RateLimits.Limits[0]) },
		want: []string{"rateLimits.limits[1]"}},
	{name: "no limit for the default tier", change: func(c *config.Config) { c.RateLimits.Limits[0].Tier = "gold" },
		want: []string{"rateLimits.limits[0].endpoint"}},
	{name: "cors", change: func(c *config.Config) {
		c.CORS.AllowedOrigins = []string{"*", "https://a.example", "https://a.example/", "a.example", "ftp://a.example", "https://u@a.example",
			"https://a?b"}
	}, want: []string{"cors.allowedOrigins[2]", "cors.allowedOrigins[3]", "cors.allowedOrigins[4]", "cors.allowedOrigins[5]",
		"cors.allowedOrigins[6]"}},
	{name: "auth", change: func(c *config.Config) { c.Auth.Mode = "" }, want: []string{"auth.mode"}},
	{name: "level", change: func(c *config.Config) { c.Logging.Level = "info" }, want: []string{"logging.level"}},
	{name: "file", change: func(c *config.Config) { c.Logging.File = config.LogFile{Enabled: true, MaxBytes: 1} }, want: []string{"logging.file.maxBytes"}},
	{name: "volume", change: func(c *config.Config) { c.Logging.DailyVolumeLimit = -1 }, want: []string{"logging.dailyVolumeLimit"}},
	{name: "queries", change: func(c *config.Config) { c.Logging.LogQueries, c.Logging.SlowQueryThreshold = "hash", -1 },
		want: []string{"logging.logQueries", "logging.slowQueryThreshold"}},
}

func TestValidate(t *testing.T) {
	for _, tt := range changes {
		t.Run(tt.name, func(t *testing.T) {
			c := valid()
			tt.change(&c)
			if diff := cmp.Diff(tt.want, paths(c.Validate())); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLanguages wants the list to be that of the analyser, which is not imported here: the operator would hold it too.
func TestLanguages(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(terms.Languages(), config.Languages()); diff != "" {
		t.Errorf("languages of the analyser and of the configuration (-want +got):\n%s", diff)
	}
}

// paths are the fields that the lines of an error start with.
func paths(err error) []string {
	if err == nil {
		return nil
	}
	var found []string
	for line := range strings.Lines(err.Error()) {
		path, _, _ := strings.Cut(line, ": ")
		found = append(found, path)
	}
	return found
}
