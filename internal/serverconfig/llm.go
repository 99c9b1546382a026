package serverconfig

import (
	"cmp"
	"errors"
	"fmt"

	"k8s.io/utils/ptr"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

// Defaults of models.llm with provider OpenAI. They are not the schema's: a provider without a model must not carry
// them.
const (
	defaultTemperature   = v1alpha1.Decimal("0.2")
	defaultMaxTokens     = int32(1024)
	defaultContextTokens = int32(8192)
	defaultTimeout       = v1alpha1.Duration("30s")
	defaultIdleTimeout   = v1alpha1.Duration("15s")
)

func buildLLM(spec v1alpha1.LLMSpec) (config.LLM, error) {
	if spec.Provider != v1alpha1.LLMProviderOpenAI {
		return config.LLM{Provider: config.LLMProvider(spec.Provider)}, nil
	}
	temperature, temperatureErr := cmp.Or(spec.Temperature, defaultTemperature).Float()
	if temperatureErr != nil {
		temperatureErr = fmt.Errorf("spec.models.llm.temperature: %w", temperatureErr)
	}
	timeout, timeoutErr := duration("spec.models.llm.timeout", cmp.Or(spec.Timeout, defaultTimeout))
	idle, idleErr := duration("spec.models.llm.idleTimeout", cmp.Or(spec.IdleTimeout, defaultIdleTimeout))
	pricing, pricingErr := buildPricing("spec.models.llm.pricing", spec.Pricing)
	fallbacks, fallbacksErr := buildFallbacks(spec.Fallbacks)
	return config.LLM{
		Provider:      config.ProviderOpenAI,
		BaseURL:       spec.BaseURL,
		Model:         spec.Model,
		Temperature:   temperature,
		MaxTokens:     int(ptr.Deref(spec.MaxTokens, defaultMaxTokens)),
		ContextTokens: int(ptr.Deref(spec.ContextTokens, defaultContextTokens)),
		Timeout:       timeout,
		IdleTimeout:   idle,
		Extract:       spec.OnUnavailable == v1alpha1.OnUnavailableExtract,
		Pricing:       pricing,
		Fallbacks:     fallbacks,
	}, errors.Join(temperatureErr, timeoutErr, idleErr, pricingErr, fallbacksErr)
}

func buildFallbacks(specs []v1alpha1.LLMFallback) ([]config.LLMFallback, error) {
	var fallbacks []config.LLMFallback
	var errs []error
	for i, f := range specs {
		pricing, err := buildPricing(fmt.Sprintf("spec.models.llm.fallbacks[%d].pricing", i), f.Pricing)
		errs = append(errs, err)
		fallbacks = append(fallbacks, config.LLMFallback{
			BaseURL: f.BaseURL, Model: f.Model, ContextTokens: int(ptr.Deref(f.ContextTokens, 0)), Pricing: pricing,
		})
	}
	return fallbacks, errors.Join(errs...)
}

func buildPricing(path string, spec *v1alpha1.LLMPricing) (config.LLMPricing, error) {
	if spec == nil {
		return config.LLMPricing{}, nil
	}
	prompt, promptErr := spec.PromptUSDPerMillion.Float()
	completion, completionErr := spec.CompletionUSDPerMillion.Float()
	if err := errors.Join(promptErr, completionErr); err != nil {
		return config.LLMPricing{}, fmt.Errorf("%s: %w", path, err)
	}
	return config.LLMPricing{PromptUSDPerMillion: prompt, CompletionUSDPerMillion: completion}, nil
}
