package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RAGService is a retrieval-augmented-generation service: a server that answers questions from documents, with the
// search engine, cache and limits that it needs.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:subresource:scale:specpath=.spec.server.replicas,statuspath=.status.replicas,selectorpath=.status.selector
// +kubebuilder:resource:shortName=rag,path=ragservices,singular=ragservice
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Desired",type=integer,JSONPath=`.spec.server.replicas`
// +kubebuilder:printcolumn:name="Available",type=integer,JSONPath=`.status.readyReplicas`
// +kubebuilder:printcolumn:name="Hit rate",type=string,JSONPath=`.status.cache.hitRatePercent`
// +kubebuilder:printcolumn:name="LLM",type=string,priority=1,JSONPath=`.spec.models.llm.provider`
// +kubebuilder:printcolumn:name="Endpoint",type=string,JSONPath=`.status.endpoint`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$') && self.metadata.name.size() <= 40",message="metadata.name must start with a letter, hold only lower-case letters, digits and '-', and have at most 40 characters: the names of its parts are made from it"
type RAGService struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty,omitzero"`
	// spec is what the service shall be. Only models.llm is required; the defaults of everything else make the smallest
	// manifest fit for production.
	// +required
	Spec RAGServiceSpec `json:"spec,omitzero"`
	// status is what the operator found. It starts with observedGeneration -1, so that tools which wait do not
	// take an object that nobody has looked at for a finished one.
	// +default={"observedGeneration": -1}
	// +optional
	Status RAGServiceStatus `json:"status,omitempty,omitzero"`
}

// RAGServiceList is a list of RAGServices.
//
// +kubebuilder:object:root=true
type RAGServiceList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty,omitzero"`
	Items           []RAGService `json:"items"`
}

// RAGServiceSpec is what a RAGService shall be.
//
// Every struct in it has the default {}, those without any defaults inside too: a server-side apply that takes the last
// field out of a struct leaves null there, which only a default turns into an object again.
//
// +kubebuilder:validation:XValidation:rule="!has(self.cache.noCacheTiers) || self.cache.noCacheTiers.all(n, has(self.rateLimits.tiers) ? self.rateLimits.tiers.exists(t, t.name == n) : n in ['free', 'premium', 'enterprise'])",fieldPath=".cache.noCacheTiers",message="spec.cache.noCacheTiers[] must be names of spec.rateLimits.tiers (free, premium or enterprise when no tiers are given)"
// +kubebuilder:validation:XValidation:rule="!has(self.cache.local) || !has(self.cache.local.maxBytes) || (has(self.cache.enabled) && !self.cache.enabled) || (has(self.server.resources) && has(self.server.resources.limits) && 'memory' in self.server.resources.limits ? quantity(string(self.server.resources.limits['memory'])) : has(self.server.resources) && has(self.server.resources.requests) && 'memory' in self.server.resources.requests ? quantity('1Pi') : quantity('512Mi')).compareTo(quantity(self.cache.local.maxBytes).add(quantity(self.cache.local.maxBytes))) >= 0 || (oldSelf.hasValue() && oldSelf.?cache.?enabled.orValue(true) && oldSelf.?cache.?local.?maxBytes.orValue(\"\") == self.cache.local.maxBytes && (has(self.server.resources) && has(self.server.resources.limits) && 'memory' in self.server.resources.limits ? oldSelf.?server.?resources.?limits[?'memory'].orValue(\"\") == self.server.resources.limits['memory'] : !oldSelf.?server.?resources.?limits[?'memory'].hasValue() && !oldSelf.?server.?resources.?requests[?'memory'].hasValue()))",optionalOldSelf=true,fieldPath=".cache.local.maxBytes",message="spec.cache.local.maxBytes (64Mi when not given) must be at most half of the server's memory limit, spec.server.resources.limits.memory (512Mi when not given): lower maxBytes or raise the limit"
// +kubebuilder:validation:XValidation:rule="!has(self.monitoring.scrapeFrom) || !has(self.networkPolicy.enabled) || self.networkPolicy.enabled",fieldPath=".monitoring.scrapeFrom",message="spec.monitoring.scrapeFrom has no effect while spec.networkPolicy.enabled is false, since everybody may scrape: remove it, or enable the policies"
// +kubebuilder:validation:XValidation:rule="self.models.llm.provider != 'Extractive' || !(has(self.budgets.dailyTokens) || has(self.budgets.dailyUSD) || has(self.budgets.monthlyUSD) || has(self.budgets.perTenant))",fieldPath=".budgets",reason=FieldValueForbidden,message="spec.budgets has no effect with spec.models.llm.provider Extractive, which uses no model: remove it, or set provider to OpenAI"
// +kubebuilder:validation:XValidation:rule="self.models.llm.provider == 'Extractive' || !(has(self.budgets.dailyUSD) || has(self.budgets.monthlyUSD) || has(self.budgets.perTenant) && (has(self.budgets.perTenant.dailyUSD) || has(self.budgets.perTenant.monthlyUSD))) || has(self.models.llm.pricing) && (!has(self.models.llm.fallbacks) || self.models.llm.fallbacks.all(f, has(f.pricing)))",fieldPath=".budgets",message="spec.budgets in US dollars need prices: set spec.models.llm.pricing, and pricing of each of its fallbacks"
type RAGServiceSpec struct {
	// suspend has the operator write nothing: what runs stays as it is, whatever is edited here or changed of it by hand. Status goes on,
	// and deleting the RAGService works. Once it is false again, everything is brought to the spec at once. Default false.
	// +default=false
	// +optional
	Suspend *bool `json:"suspend,omitempty"`
	// server is the server that answers requests.
	// +default={}
	// +optional
	Server ServerSpec `json:"server,omitzero"`
	// redis keeps cached results and the buckets of the rate limits. Without it the operator runs Redis itself.
	// +default={}
	// +optional
	Redis RedisSpec `json:"redis,omitzero"`
	// openSearch keeps the documents and finds them. Without it the operator runs OpenSearch itself.
	// +default={}
	// +optional
	OpenSearch OpenSearchSpec `json:"openSearch,omitzero"`
	// models are the models that answer.
	// +required
	Models ModelsSpec `json:"models,omitzero"`
	// retrieval is how documents are cut up and how many passages an answer may use.
	// +default={}
	// +optional
	Retrieval RetrievalSpec `json:"retrieval,omitzero"`
	// cache is how long results are kept.
	// +default={}
	// +optional
	Cache CacheSpec `json:"cache,omitzero"`
	// rateLimits is how many requests each tier may make on each endpoint.
	// +default={}
	// +optional
	RateLimits RateLimitsSpec `json:"rateLimits,omitzero"`
	// budgets are what the language models may take.
	// +default={}
	// +optional
	Budgets BudgetsSpec `json:"budgets,omitzero"`
	// auth is how callers say who they are.
	// +default={}
	// +optional
	Auth AuthSpec `json:"auth,omitzero"`
	// resilience is what the server does while what it needs is down, and while it has too much to do.
	// +default={}
	// +optional
	Resilience ResilienceSpec `json:"resilience,omitzero"`
	// logging is what the server writes to its log.
	// +default={}
	// +optional
	Logging LoggingSpec `json:"logging,omitzero"`
	// alerts are thresholds beyond which the operator raises an alert.
	// +default={}
	// +optional
	Alerts AlertsSpec `json:"alerts,omitzero"`
	// monitoring is who may read the metrics of the servers, and how they are found.
	// +default={}
	// +optional
	Monitoring MonitoringSpec `json:"monitoring,omitzero"`
	// networkPolicy closes the network around the service's pods.
	// +default={}
	// +optional
	NetworkPolicy NetworkPolicySpec `json:"networkPolicy,omitzero"`
	// imagePullSecrets name Secrets of this namespace, of type kubernetes.io/dockerconfigjson, with the credentials of private
	// registries. They are used for the pods of all components, beside those that the operator is started with.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +optional
	ImagePullSecrets []SecretReference `json:"imagePullSecrets,omitempty"`
	// deletionPolicy says what becomes of the volumes and of the Secret of callers' keys that the operator made when the
	// RAGService is deleted: Retain keeps them, an event names the volumes, and a RAGService of the same name finds both again;
	// Delete removes them. Default Retain.
	// +kubebuilder:validation:Enum=Retain;Delete
	// +default="Retain"
	// +optional
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`
}

// DeletionPolicy says what becomes of volumes.
type DeletionPolicy string

// Values of DeletionPolicy.
const (
	// DeletionPolicyRetain keeps the volumes.
	DeletionPolicyRetain DeletionPolicy = "Retain"
	// DeletionPolicyDelete deletes them with the RAGService.
	DeletionPolicyDelete DeletionPolicy = "Delete"
)
