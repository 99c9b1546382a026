package v1alpha1

// ModelsSpec are the models that answer.
type ModelsSpec struct {
	// llm writes the answers.
	// +required
	LLM LLMSpec `json:"llm,omitzero"`
}

// LLMSpec is the language model that writes the answers.
// +kubebuilder:validation:XValidation:rule="self.provider != 'OpenAI' || has(self.baseURL)",fieldPath=".baseURL",reason=FieldValueRequired,message="spec.models.llm.baseURL is required with provider OpenAI: set it to the address of a server that speaks that API, such as https://llm.example.com/v1"
// +kubebuilder:validation:XValidation:rule="self.provider != 'OpenAI' || has(self.model)",fieldPath=".model",reason=FieldValueRequired,message="spec.models.llm.model is required with provider OpenAI: set it to the name of a model that the server offers"
// +kubebuilder:validation:XValidation:rule="self.provider != 'Extractive' || !(has(self.baseURL) || has(self.model) || has(self.apiKeySecretRef) || has(self.caSecretRef) || has(self.temperature) || has(self.maxTokens) || has(self.contextTokens) || has(self.timeout) || has(self.idleTimeout) || has(self.onUnavailable) || has(self.pricing) || has(self.fallbacks))",message="spec.models.llm with provider Extractive uses no model: remove baseURL, model, temperature, maxTokens, contextTokens, timeout, idleTimeout, onUnavailable, pricing, fallbacks, apiKeySecretRef and caSecretRef, or set provider to OpenAI"
// +kubebuilder:validation:XValidation:rule="(has(self.contextTokens) ? self.contextTokens : 8192) > (has(self.maxTokens) ? self.maxTokens : 1024)",fieldPath=".contextTokens",message="spec.models.llm.contextTokens (default 8192) must be greater than maxTokens (default 1024): what is left of it holds the question and the passages"
// +kubebuilder:validation:XValidation:rule="!has(self.fallbacks) || self.fallbacks.all(f, !has(f.contextTokens) || f.contextTokens > (has(self.maxTokens) ? self.maxTokens : 1024))",fieldPath=".fallbacks",message="spec.models.llm.fallbacks[].contextTokens must be greater than spec.models.llm.maxTokens (default 1024): what is left of it holds the question and the passages"
// +kubebuilder:validation:XValidation:rule="!has(self.caSecretRef) || !has(self.baseURL) || self.baseURL.startsWith('https://') || has(self.fallbacks) && self.fallbacks.exists(f, f.baseURL.startsWith('https://'))",fieldPath=".caSecretRef",reason=FieldValueForbidden,message="spec.models.llm.caSecretRef has no effect with a baseURL of http: remove it, or make baseURL https"
type LLMSpec struct {
	// provider is OpenAI (any server with that API) or Extractive (no model: the answer is the sentences of the
	// passages found that match best, cited).
	// +kubebuilder:validation:Enum=OpenAI;Extractive
	// +required
	Provider LLMProvider `json:"provider,omitempty"`
	// baseURL is the address of the API, up to and with its version: https://llm.example.com/v1.
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://([^][@?#/:[:space:]]+|[[][0-9a-fA-F:.]+])(:[0-9]{1,5})?(/[^@?#[:space:]]*)?$') && isURL(self) && (url(self).getPort() == \"\" || int(url(self).getPort()) <= 65535)",message="must be an http or https URL without user, query or fragment, such as https://llm.example.com/v1 (a key belongs into apiKeySecretRef)"
	// +optional
	BaseURL string `json:"baseURL,omitempty"`
	// model is the name of the model.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +optional
	Model string `json:"model,omitempty"`
	// temperature from "0" (always the likeliest word) to "2". Default "0.2".
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]{1,3}([.][0-9]{1,4})?$') && double(self) <= 2.0",message="must be a number from 0 to 2 in quotes, such as \"0.2\""
	// +optional
	Temperature Decimal `json:"temperature,omitempty"`
	// maxTokens bounds the length of an answer, in tokens. Default 1024.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=131072
	// +optional
	MaxTokens *int32 `json:"maxTokens,omitempty"`
	// contextTokens is how many tokens the model reads and writes in all. What maxTokens leaves of it holds the prompt;
	// passages that do not fit are left out. Default 8192.
	// +kubebuilder:validation:Minimum=512
	// +kubebuilder:validation:Maximum=4194304
	// +optional
	ContextTokens *int32 `json:"contextTokens,omitempty"`
	// timeout bounds all attempts of an ask, and the time to the first token of a stream. 1s to 5m, default 30s.
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(ms|s|m|h))+$') && duration(self) >= duration('1s') && duration(self) <= duration('5m')",message="must be a duration from 1s to 5m, such as 30s or 1m30s"
	// +optional
	Timeout Duration `json:"timeout,omitempty"`
	// idleTimeout bounds each gap between two tokens. 1s to 5m, default 15s.
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(ms|s|m|h))+$') && duration(self) >= duration('1s') && duration(self) <= duration('5m')",message="must be a duration from 1s to 5m, such as 30s or 1m30s"
	// +optional
	IdleTimeout Duration `json:"idleTimeout,omitempty"`
	// onUnavailable is what a question gets before its first token whose model is down or too slow, does not take its key (401) or is not there
	// (404), or breaks off its answer. Fail: 502, 503 or 504. Extract: the sentences of the passages found that match best, cited; the answer
	// says so, names the model extractive, and is not kept. A question to which no sentence is an answer fails, and one that the model or its
	// filter refuses. Default Fail.
	// +kubebuilder:validation:Enum=Fail;Extract
	// +optional
	OnUnavailable OnUnavailable `json:"onUnavailable,omitempty"`
	// pricing is what the model's tokens cost: answers tell their cost, and stats what the cache has saved. Without it both are 0.
	// +optional
	Pricing *LLMPricing `json:"pricing,omitempty"`
	// apiKeySecretRef is the key of the API, sent as a bearer token. Without it none is sent.
	// +optional
	APIKeySecretRef *SecretKeyReference `json:"apiKeySecretRef,omitempty"`
	// caSecretRef is a bundle of certificates in PEM, which sign that of the model's server beside those of the public
	// authorities.
	// +optional
	CASecretRef *SecretKeyReference `json:"caSecretRef,omitempty"`
	// fallbacks are models that are asked in this order, each when those before it are unavailable, as for onUnavailable, and nothing of the
	// answer was sent.
	// They share timeout: each may take an equal part of what is left of it. Their answers are not kept. All settings but these are those of
	// the first model. At most 3. Default none.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=3
	// +listType=atomic
	// +optional
	Fallbacks []LLMFallback `json:"fallbacks,omitempty"`
}

// LLMFallback is a model that stands in for another.
// +kubebuilder:validation:XValidation:rule="!has(self.caSecretRef) || self.baseURL.startsWith('https://')",fieldPath=".caSecretRef",reason=FieldValueForbidden,message="spec.models.llm.fallbacks[].caSecretRef has no effect with a baseURL of http: remove it, or make baseURL https"
type LLMFallback struct {
	// baseURL is the address of its API, up to and with the version: https://llm.example.com/v1.
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://([^][@?#/:[:space:]]+|[[][0-9a-fA-F:.]+])(:[0-9]{1,5})?(/[^@?#[:space:]]*)?$') && isURL(self) && (url(self).getPort() == \"\" || int(url(self).getPort()) <= 65535)",message="must be an http or https URL without user, query or fragment, such as https://llm.example.com/v1 (a key belongs into apiKeySecretRef)"
	// +required
	BaseURL string `json:"baseURL,omitempty"`
	// model is the name of the model.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +required
	Model string `json:"model,omitempty"`
	// contextTokens is how many tokens it reads and writes in all. Passages that do not fit beside the first model's maxTokens are left out
	// for it. Default that of the first model.
	// +kubebuilder:validation:Minimum=512
	// +kubebuilder:validation:Maximum=4194304
	// +optional
	ContextTokens *int32 `json:"contextTokens,omitempty"`
	// pricing is what its tokens cost. Without it its answers tell a cost of 0.
	// +optional
	Pricing *LLMPricing `json:"pricing,omitempty"`
	// apiKeySecretRef is the key of the API, sent as a bearer token. Without it none is sent: that of the first model goes to no other.
	// +optional
	APIKeySecretRef *SecretKeyReference `json:"apiKeySecretRef,omitempty"`
	// caSecretRef is a bundle of certificates in PEM, which sign that of its server beside those of the public authorities. Default that of
	// the first model.
	// +optional
	CASecretRef *SecretKeyReference `json:"caSecretRef,omitempty"`
}

// LLMPricing is what a model's tokens cost.
type LLMPricing struct {
	// promptUSDPerMillion is the price of a million tokens that the model reads, in US dollars, from "0" to "999.9999".
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]{1,3}([.][0-9]{1,4})?$')",message="must be a number from 0 to 999.9999 in quotes, such as \"2.50\""
	// +required
	PromptUSDPerMillion Decimal `json:"promptUSDPerMillion,omitempty"`
	// completionUSDPerMillion is the price of a million tokens that the model writes, in US dollars, from "0" to "999.9999".
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]{1,3}([.][0-9]{1,4})?$')",message="must be a number from 0 to 999.9999 in quotes, such as \"10\""
	// +required
	CompletionUSDPerMillion Decimal `json:"completionUSDPerMillion,omitempty"`
}

// OnUnavailable is what a question gets whose model is down.
type OnUnavailable string

// Values of OnUnavailable.
const (
	// OnUnavailableFail answers with an error.
	OnUnavailableFail OnUnavailable = "Fail"
	// OnUnavailableExtract answers without a model.
	OnUnavailableExtract OnUnavailable = "Extract"
)

// LLMProvider is a kind of language model.
type LLMProvider string

// Values of LLMProvider.
const (
	// LLMProviderOpenAI is any server that speaks OpenAI's chat API.
	LLMProviderOpenAI LLMProvider = "OpenAI"
	// LLMProviderExtractive quotes the sentences that match best.
	LLMProviderExtractive LLMProvider = "Extractive"
)
