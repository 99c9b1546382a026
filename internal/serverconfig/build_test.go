package serverconfig_test

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/manifest"
	"github.com/ragservice/ragservice-operator/internal/serverconfig"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// load is the RAGService "papers" with the given spec and the schema's defaults.
func load(t *testing.T, spec string) *v1alpha1.RAGService {
	t.Helper()
	const head = "apiVersion: ragservice.dev/v1alpha1\nkind: RAGService\nmetadata: {name: papers, namespace: library}\nspec:\n"
	m, err := manifest.Load([]byte(head + spec))
	if err != nil {
		t.Fatal(err)
	}
	return m.Service
}

const extractive = "  models: {llm: {provider: Extractive}}\n"

var managed = config.Stores{
	OpenSearch: &config.OpenSearch{URLs: []string{"http://papers-opensearch.library.svc:9200"}, Index: "papers"},
	Redis: &config.Redis{
		Cache: config.RedisInstance{Address: "papers-redis-cache.library.svc:6379"},
		State: config.RedisInstance{Address: "papers-redis-state.library.svc:6379"},
	},
}

func TestBuild(t *testing.T) {
	const everything = `
  server: {replicas: 3, cors: {allowedOrigins: ['https://app.example.com', 'http://localhost:3000']}}
  models:
    llm: {provider: OpenAI, baseURL: 'https://llm.example.com/v1', model: large, temperature: '0', maxTokens: 16, contextTokens: 4096, timeout: 1m30s, idleTimeout: 2s, onUnavailable: Extract, pricing: {promptUSDPerMillion: '0.15', completionUSDPerMillion: '0.6'}, fallbacks: [{baseURL: 'http://spare/v1', model: spare, contextTokens: 2048, apiKeySecretRef: {name: a, key: b}}]}
  retrieval: {topK: 7, maxTopK: 20, chunking: {words: 200, overlapWords: 20}, languages: [de, en]}
  cache: {enabled: false, ttl: {search: 2h, llm: 90s}, local: {maxBytes: 1Mi}, generation: 4, staleIfError: 5m, jitterPercent: 0, noCacheTiers: [gold], warm: {questions: ['How long?'], popular: 5}}
  rateLimits: {defaultTier: gold, cachedResponses: Free, refill: WholeTokens, onStoreFailure: Deny, shadow: true, tenant: {requestsPerMinute: 50}, service: {requestsPerMinute: 500}, tiers: [{name: gold, requestsPerMinute: 30}], endpoints: [{name: documents, requestsPerMinute: 2, burst: 9, cost: 3}]}
  resilience: {retries: 0, initialBackoff: 200ms, circuitBreaker: {failures: 3, openFor: 1m}, maxInFlight: 64, queueTimeout: 0s}
  auth: {mode: Anonymous}
  logging: {level: DEBUG, logQueries: None, slowQueryThreshold: 250ms, dailyVolumeLimit: 1Gi, file: {enabled: true}}
`
	tests := []struct {
		golden, spec string
		stores       config.Stores
	}{
		{golden: "smallest", spec: extractive, stores: managed},
		{golden: "embedded", spec: extractive},
		{golden: "openai", spec: "  models: {llm: {provider: OpenAI, baseURL: 'http://llm/v1', model: m}}\n", stores: managed},
		{golden: "everything", spec: everything, stores: managed},
		{golden: "tokens", spec: extractive + `
  auth:
    mode: JWT
    jwt: {issuer: 'https://login.example.com', audiences: [rag], jwksURL: 'https://login.example.com/keys', claims: {role: groups}}
    trustedProxies: {depth: 1, networks: [10.1.2.3/8]}
`},
		{golden: "trusted-header", spec: extractive + "  auth: {mode: TrustedHeader, trustedHeader: {networks: [10.0.0.0/8, 'fd00::/8'], tenant: X-Tenant}}\n"},
		{golden: "no-replicas", spec: extractive + "  server: {replicas: 0}\n", stores: managed},
	}
	for _, tt := range tests {
		t.Run(tt.golden, func(t *testing.T) {
			rag := load(t, tt.spec)
			before := rag.DeepCopy()
			cfg, err := serverconfig.Build(rag, tt.stores)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before, rag); diff != "" {
				t.Errorf("Build changed its argument:\n%s", diff)
			}
			got, err := serverconfig.Marshal(cfg)
			if err != nil {
				t.Fatal(err)
			}
			compareGolden(t, tt.golden, got)
			parsed, unknown, err := config.Parse(got)
			if err != nil || len(unknown) > 0 {
				t.Fatalf("the server does not read it: %v %v", unknown, err)
			}
			if diff := cmp.Diff(cfg, parsed, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
		})
	}
}

func compareGolden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name+".yaml")
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func TestBuildWithoutTheSchemasDefaults(t *testing.T) {
	rag := &v1alpha1.RAGService{}
	rag.Spec.Models.LLM.Provider = v1alpha1.LLMProviderExtractive
	if _, err := serverconfig.Build(rag, managed); err == nil {
		t.Error("no error")
	}
}

func TestDefaultsAreTheSchemas(t *testing.T) {
	defaulted, bare := load(t, extractive), &v1alpha1.RAGService{}
	if got, want := serverconfig.Replicas(bare), serverconfig.Replicas(defaulted); got != want {
		t.Errorf("%d replicas, want %d", got, want)
	}
	if got, want := serverconfig.CacheEnabled(bare), serverconfig.CacheEnabled(defaulted); got != want {
		t.Errorf("cache enabled: %t, want %t", got, want)
	}
	if got, want := serverconfig.NetworkPolicyEnabled(bare), serverconfig.NetworkPolicyEnabled(defaulted); got != want {
		t.Errorf("network policy enabled: %t, want %t", got, want)
	}
}
