package serverconfig

import (
	"cmp"
	"errors"
	"fmt"

	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

// Build is the configuration of the servers of rag, which connect to stores. It is valid, or the error names each field
// of it that is not.
func Build(rag *v1alpha1.RAGService, stores config.Stores) (config.Config, error) {
	spec := rag.Spec
	llm, llmErr := buildLLM(spec.Models.LLM)
	cache, cacheErr := buildCache(rag)
	logging, loggingErr := buildLogging(spec.Logging)
	auth, authErr := buildAuth(spec.Auth)
	resilience, resilienceErr := buildResilience(spec.Resilience)
	budgets, budgetsErr := buildBudgets(spec.Budgets)
	if err := errors.Join(llmErr, cacheErr, authErr, loggingErr, resilienceErr, budgetsErr); err != nil {
		return config.Config{}, err
	}
	cfg := config.Config{
		Service: config.Service{
			Namespace: rag.Namespace,
			Name:      rag.Name,
			Replicas:  max(1, int(MostReplicas(rag))),
		},
		Stores: stores,
		LLM:    llm,
		Retrieval: config.Retrieval{
			TopK:    int(ptr.Deref(spec.Retrieval.TopK, 0)),
			MaxTopK: int(ptr.Deref(spec.Retrieval.MaxTopK, 0)),
			Chunking: config.Chunking{
				Words:        int(ptr.Deref(spec.Retrieval.Chunking.Words, 0)),
				OverlapWords: int(ptr.Deref(spec.Retrieval.Chunking.OverlapWords, 0)),
			},
			Languages: languages(spec.Retrieval.Languages),
		},
		Cache:      cache,
		RateLimits: buildRateLimits(spec.RateLimits),
		Budgets:    budgets,
		Resilience: resilience,
		Auth:       auth,
		CORS:       buildCORS(spec.Server.CORS),
		Logging:    logging,
		Tracing:    buildTracing(spec.Monitoring.Tracing),
	}
	if err := cfg.Validate(); err != nil {
		return config.Config{}, fmt.Errorf("the server's configuration: %w", err)
	}
	return cfg, nil
}

// languages resolves the default, which a schema cannot give a list without keeping it in the object.
func languages(tags []v1alpha1.Language) []string {
	if len(tags) == 0 {
		return []string{"en"}
	}
	resolved := make([]string, len(tags))
	for i, tag := range tags {
		resolved[i] = string(tag)
	}
	return resolved
}

// Marshal writes cfg as YAML. The same configuration gives the same bytes, so that their hash names it.
func Marshal(cfg config.Config) ([]byte, error) {
	data, err := yaml.Marshal(cfg)
	if err != nil {
		return nil, fmt.Errorf("writing the server's configuration: %w", err)
	}
	return data, nil
}

func buildCORS(spec v1alpha1.CORSSpec) config.CORS {
	var origins []string
	for _, o := range spec.AllowedOrigins {
		origins = append(origins, string(o))
	}
	return config.CORS{AllowedOrigins: origins}
}

func buildCache(rag *v1alpha1.RAGService) (config.Cache, error) {
	spec := rag.Spec.Cache
	search, searchErr := duration("spec.cache.ttl.search", spec.TTL.Search)
	llm, llmErr := duration("spec.cache.ttl.llm", spec.TTL.LLM)
	stale, staleErr := duration("spec.cache.staleIfError", cmp.Or(spec.StaleIfError, defaultStaleIfError))
	local, localErr := spec.Local.MaxBytes.Quantity()
	if localErr != nil {
		localErr = fmt.Errorf("spec.cache.local.maxBytes: %w", localErr)
	}
	return config.Cache{
		Enabled:       CacheEnabled(rag),
		TTLSearch:     search,
		TTLLLM:        llm,
		JitterPercent: int(ptr.Deref(spec.JitterPercent, defaultJitterPercent)),
		StaleIfError:  stale,
		NoCacheTiers:  spec.NoCacheTiers,
		Warm:          config.WarmUp{Questions: spec.Warm.Questions, Popular: int(ptr.Deref(spec.Warm.Popular, 0))},
		LocalMaxBytes: local.Value(),
		Generation:    ptr.Deref(spec.Generation, 0),
	}, errors.Join(searchErr, llmErr, staleErr, localErr)
}

func duration(path string, d v1alpha1.Duration) (config.Duration, error) {
	parsed, err := d.Duration()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	return config.Duration(parsed), nil
}
