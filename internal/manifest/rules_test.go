package manifest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/manifest"
	"github.com/ragservice/ragservice-operator/test/controlplane"
)

// withSpec is a RAGService with the given spec, indented by two spaces, and a name that no other case has.
func withSpec(name, spec string) string {
	return fmt.Sprintf("apiVersion: ragservice.dev/v1alpha1\nkind: RAGService\nmetadata:\n  name: %s\nspec:\n%s", name, spec)
}

const (
	extractive = "  models: {llm: {provider: Extractive}}\n"
	openAI     = "  models: {llm: {provider: OpenAI, baseURL: 'https://llm.example.com/v1', model: m%s}}\n"
)

// withLLM is a spec whose OpenAI model has further fields.
func withLLM(fields string) string { return fmt.Sprintf(openAI, ", "+fields) }

// refusal is a manifest that breaks one rule, with the fields that are named and a word of why.
type refusal struct {
	name, metadataName, spec string
	// paths are sorted; an unknown field is the only kind that the API server tells in another form.
	paths []string
	word  string
}

var refused = []refusal{
	{name: "no models", spec: "  logging: {level: INFO}\n", paths: []string{"spec.models"}, word: "Required"},
	{name: "no llm", spec: "  models: {}\n", paths: []string{"spec.models.llm"}, word: "Required"},
	{name: "no provider", spec: "  models: {llm: {}}\n", paths: []string{"spec.models.llm.provider"}, word: "Required"},
	{name: "unknown provider", spec: "  models: {llm: {provider: Oracle}}\n", paths: []string{"spec.models.llm.provider"}, word: "Extractive"},
	{name: "long name", metadataName: strings.Repeat("a", 41), spec: extractive, paths: []string{"RAGService"}, word: "at most 40"},
	{name: "name with a dot", metadataName: "a.b", spec: extractive, paths: []string{"RAGService"}, word: "metadata.name"},
	{name: "name starting with a digit", metadataName: "1a", spec: extractive, paths: []string{"RAGService"}, word: "start with a letter"},
	{name: "name in capitals", metadataName: "Papers", spec: extractive, paths: []string{"RAGService", "metadata.name"}, word: "lower"},

	{name: "OpenAI without baseURL", spec: "  models: {llm: {provider: OpenAI, model: m}}\n", paths: []string{"spec.models.llm.baseURL"}, word: "required with provider OpenAI"},
	{name: "OpenAI without model", spec: "  models: {llm: {provider: OpenAI, baseURL: 'http://llm/v1'}}\n", paths: []string{"spec.models.llm.model"}, word: "required with provider OpenAI"},
	{name: "Extractive with a model", spec: "  models: {llm: {provider: Extractive, model: m}}\n", paths: []string{"spec.models.llm"}, word: "uses no model"},
	{name: "Extractive with a temperature", spec: "  models: {llm: {provider: Extractive, temperature: '0'}}\n", paths: []string{"spec.models.llm"}, word: "uses no model"},
	{name: "Extractive with a key", spec: "  models: {llm: {provider: Extractive, apiKeySecretRef: {name: a, key: b}}}\n", paths: []string{"spec.models.llm"}, word: "uses no model"},
	{name: "Extractive with an authority", spec: "  models: {llm: {provider: Extractive, caSecretRef: {name: a, key: b}}}\n", paths: []string{"spec.models.llm"}, word: "uses no model"},
	{name: "egress to nobody", spec: extractive + "  networkPolicy: {egress: [{port: 80}]}\n", paths: []string{"spec.networkPolicy.egress[0]"}, word: "either cidr"},
	{name: "egress to a block and pods", spec: extractive + "  networkPolicy: {egress: [{cidr: 10.0.0.0/8, podSelector: {}}]}\n", paths: []string{"spec.networkPolicy.egress[0]"}, word: "either cidr"},
	{name: "egress by an unknown protocol", spec: extractive + "  networkPolicy: {egress: [{cidr: 10.0.0.0/8, protocol: ICMP}]}\n", paths: []string{"spec.networkPolicy.egress[0].protocol"}, word: "SCTP"},
	{name: "baseURL of another scheme", spec: "  models: {llm: {provider: OpenAI, baseURL: 'ftp://llm.example.com', model: m}}\n", paths: []string{"spec.models.llm.baseURL"}, word: "http or https"},
	{name: "baseURL with a password", spec: "  models: {llm: {provider: OpenAI, baseURL: 'https://u:p@llm.example.com', model: m}}\n", paths: []string{"spec.models.llm.baseURL"}, word: "apiKeySecretRef"},
	{name: "baseURL with a query", spec: "  models: {llm: {provider: OpenAI, baseURL: 'https://llm.example.com?key=1', model: m}}\n", paths: []string{"spec.models.llm.baseURL"}, word: "query"},
	{name: "baseURL without a host", spec: "  models: {llm: {provider: OpenAI, baseURL: 'https:///v1', model: m}}\n", paths: []string{"spec.models.llm.baseURL"}, word: "http or https"},
	{name: "baseURL with a space", spec: "  models: {llm: {provider: OpenAI, baseURL: 'https://llm.example.com/v 1', model: m}}\n", paths: []string{"spec.models.llm.baseURL"}, word: "http or https"},
	{name: "baseURL with too large a port", spec: "  models: {llm: {provider: OpenAI, baseURL: 'https://llm.example.com:65536', model: m}}\n", paths: []string{"spec.models.llm.baseURL"}, word: "http or https"},
	{name: "baseURL with a port of many digits", spec: "  models: {llm: {provider: OpenAI, baseURL: 'https://llm.example.com:99999999999999999999', model: m}}\n", paths: []string{"spec.models.llm.baseURL"}, word: "http or https"},
	{name: "baseURL too long", spec: "  models: {llm: {provider: OpenAI, baseURL: 'https://" + strings.Repeat("a", 512) + "', model: m}}\n", paths: []string{"spec.models.llm.baseURL"}, word: "512"},
	{name: "empty model", spec: "  models: {llm: {provider: OpenAI, baseURL: 'http://llm/v1', model: ''}}\n", paths: []string{"spec.models.llm.model"}, word: "at least 1 chars"},
	{name: "temperature out of range", spec: withLLM("temperature: '2.1'"), paths: []string{"spec.models.llm.temperature"}, word: "from 0 to 2"},
	{name: "temperature negative", spec: withLLM("temperature: '-1'"), paths: []string{"spec.models.llm.temperature"}, word: "from 0 to 2"},
	{name: "temperature as a number", spec: withLLM("temperature: 0.2"), paths: []string{"spec.models.llm.temperature"}, word: "string"},
	{name: "maxTokens 0", spec: withLLM("maxTokens: 0"), paths: []string{"spec.models.llm.maxTokens"}, word: "greater than or equal to 1"},
	{name: "maxTokens too many", spec: withLLM("maxTokens: 131073, contextTokens: 200000"), paths: []string{"spec.models.llm.maxTokens"}, word: "131072"},
	{name: "contextTokens too few", spec: withLLM("maxTokens: 100, contextTokens: 511"), paths: []string{"spec.models.llm.contextTokens"}, word: "512"},
	{name: "contextTokens not over maxTokens", spec: withLLM("maxTokens: 4096, contextTokens: 4096"), paths: []string{"spec.models.llm.contextTokens"}, word: "maxTokens"},
	{name: "maxTokens not under the default of contextTokens", spec: withLLM("maxTokens: 8192"), paths: []string{"spec.models.llm.contextTokens"}, word: "maxTokens"},
	{name: "contextTokens not over the default of maxTokens", spec: withLLM("contextTokens: 1024"), paths: []string{"spec.models.llm.contextTokens"}, word: "maxTokens"},
	{name: "timeout too short", spec: withLLM("timeout: 999ms"), paths: []string{"spec.models.llm.timeout"}, word: "from 1s to 5m"},
	{name: "timeout too long", spec: withLLM("timeout: 5m1s"), paths: []string{"spec.models.llm.timeout"}, word: "from 1s to 5m"},
	{name: "timeout without a unit", spec: withLLM("timeout: '30'"), paths: []string{"spec.models.llm.timeout"}, word: "such as 30s"},
	{name: "idleTimeout in words", spec: withLLM("idleTimeout: 1 minute"), paths: []string{"spec.models.llm.idleTimeout"}, word: "such as 30s"},
	{name: "idleTimeout that overflows", spec: withLLM("idleTimeout: 9999999999999h"), paths: []string{"spec.models.llm.idleTimeout"}, word: "from 1s to 5m"},
	{name: "authority without TLS", spec: "  models: {llm: {provider: OpenAI, baseURL: 'http://llm/v1', model: m, caSecretRef: {name: a, key: b}}}\n", paths: []string{"spec.models.llm.caSecretRef"}, word: "has no effect"},
	{name: "reference without key", spec: withLLM("apiKeySecretRef: {name: a}"), paths: []string{"spec.models.llm.apiKeySecretRef.key"}, word: "Required"},
	{name: "reference without name", spec: withLLM("apiKeySecretRef: {key: a}"), paths: []string{"spec.models.llm.apiKeySecretRef.name"}, word: "Required"},
	{name: "reference to an impossible key", spec: withLLM("apiKeySecretRef: {name: a, key: a/b}"), paths: []string{"spec.models.llm.apiKeySecretRef.key"}, word: "match"},
	{name: "reference to another namespace", spec: withLLM("apiKeySecretRef: {name: a, key: b, namespace: c}"), paths: []string{"spec.models.llm.apiKeySecretRef.namespace"}, word: "unknown field"},

	{name: "replicas negative", spec: extractive + "  server: {replicas: -1}\n", paths: []string{"spec.server.replicas"}, word: "greater than or equal to 0"},
	{name: "replicas too many", spec: extractive + "  server: {replicas: 101}\n", paths: []string{"spec.server.replicas"}, word: "100"},
	{name: "replicas as text", spec: extractive + "  server: {replicas: two}\n", paths: []string{"spec.server.replicas"}, word: "integer"},
	{name: "no replicas with an autoscaler", spec: extractive + "  server: {replicas: 0, autoscaling: {maxReplicas: 5}}\n", paths: []string{"spec.server.replicas"}, word: "remove spec.server.autoscaling"},
	{name: "autoscaler without a bound", spec: extractive + "  server: {autoscaling: {}}\n", paths: []string{"spec.server.autoscaling.maxReplicas"}, word: "Required"},
	{name: "autoscaler to no replicas", spec: extractive + "  server: {autoscaling: {minReplicas: 0, maxReplicas: 3}}\n", paths: []string{"spec.server.autoscaling.minReplicas"}, word: "greater than or equal to 1"},
	{name: "autoscaler upside down", spec: extractive + "  server: {autoscaling: {minReplicas: 6, maxReplicas: 5}}\n", paths: []string{"spec.server.autoscaling.minReplicas"}, word: "at most maxReplicas"},
	{name: "autoscaler below the default of minReplicas", spec: extractive + "  server: {autoscaling: {maxReplicas: 1}}\n", paths: []string{"spec.server.autoscaling.minReplicas"}, word: "at most maxReplicas"},
	{name: "autoscaler to no load", spec: extractive + "  server: {autoscaling: {maxReplicas: 5, targetCPUUtilizationPercentage: 0}}\n", paths: []string{"spec.server.autoscaling.targetCPUUtilizationPercentage"}, word: "greater than or equal to 1"},
	{name: "ingress without hosts", spec: extractive + "  server: {ingress: {className: nginx}}\n", paths: []string{"spec.server.ingress.hosts"}, word: "Required"},
	{name: "ingress of no hosts", spec: extractive + "  server: {ingress: {hosts: []}}\n", paths: []string{"spec.server.ingress.hosts"}, word: "at least 1"},
	{name: "ingress host twice", spec: extractive + "  server: {ingress: {hosts: [a.example.com, a.example.com]}}\n", paths: []string{"spec.server.ingress.hosts[1]"}, word: "uplicate"},
	{name: "ingress host in capitals", spec: extractive + "  server: {ingress: {hosts: [Rag.example.com]}}\n", paths: []string{"spec.server.ingress.hosts[0]"}, word: "must be a name"},
	{name: "ingress host with a port", spec: extractive + "  server: {ingress: {hosts: ['rag.example.com:443']}}\n", paths: []string{"spec.server.ingress.hosts[0]"}, word: "must be a name"},
	{name: "ingress host that is an address", spec: extractive + "  server: {ingress: {hosts: [192.0.2.1]}}\n", paths: []string{"spec.server.ingress.hosts[0]"}, word: "no address"},
	{name: "ingress host of any word", spec: extractive + "  server: {ingress: {hosts: ['*']}}\n", paths: []string{"spec.server.ingress.hosts[0]"}, word: "must be a name"},
	{name: "ingress host with a star inside", spec: extractive + "  server: {ingress: {hosts: ['rag.*.example.com']}}\n", paths: []string{"spec.server.ingress.hosts[0]"}, word: "must be a name"},
	{name: "ingress path without a slash", spec: extractive + "  server: {ingress: {hosts: [a.b], path: api}}\n", paths: []string{"spec.server.ingress.path"}, word: "must be a path"},
	{name: "ingress path upwards", spec: extractive + "  server: {ingress: {hosts: [a.b], path: /api/..}}\n", paths: []string{"spec.server.ingress.path"}, word: "must be a path"},
	{name: "ingress path of empty words", spec: extractive + "  server: {ingress: {hosts: [a.b], path: /a//b}}\n", paths: []string{"spec.server.ingress.path"}, word: "must be a path"},
	{name: "ingress TLS without a Secret", spec: extractive + "  server: {ingress: {hosts: [a.b], tls: {}}}\n", paths: []string{"spec.server.ingress.tls.secretName"}, word: "Required"},
	{name: "ingress TLS of an impossible Secret", spec: extractive + "  server: {ingress: {hosts: [a.b], tls: {secretName: A}}}\n", paths: []string{"spec.server.ingress.tls.secretName"}, word: "name of a Secret"},
	{name: "ingress class in capitals", spec: extractive + "  server: {ingress: {hosts: [a.b], className: Nginx}}\n", paths: []string{"spec.server.ingress.className"}, word: "IngressClass"},
	{name: "ingress annotation of the operator's own", spec: extractive + "  server: {ingress: {hosts: [a.b], annotations: {ragservice.dev/applied-hash: x}}}\n", paths: []string{"spec.server.ingress.annotations"}, word: "the operator's own"},
	{name: "gateway without a parent", spec: extractive + "  server: {gateway: {hostnames: [a.b]}}\n", paths: []string{"spec.server.gateway.parentRefs"}, word: "Required"},
	{name: "gateway of no parents", spec: extractive + "  server: {gateway: {parentRefs: []}}\n", paths: []string{"spec.server.gateway.parentRefs"}, word: "at least 1"},
	{name: "gateway without a name", spec: extractive + "  server: {gateway: {parentRefs: [{namespace: infra}]}}\n", paths: []string{"spec.server.gateway.parentRefs[0].name"}, word: "Required"},
	{name: "gateway of an impossible name", spec: extractive + "  server: {gateway: {parentRefs: [{name: A}]}}\n", paths: []string{"spec.server.gateway.parentRefs[0].name"}, word: "name of a Gateway"},
	{name: "gateway of an impossible namespace", spec: extractive + "  server: {gateway: {parentRefs: [{name: a, namespace: a.b}]}}\n", paths: []string{"spec.server.gateway.parentRefs[0].namespace"}, word: "name of a namespace"},
	{name: "gateway of an impossible listener", spec: extractive + "  server: {gateway: {parentRefs: [{name: a, sectionName: A}]}}\n", paths: []string{"spec.server.gateway.parentRefs[0].sectionName"}, word: "name of a listener"},
	{name: "gateway at port 0", spec: extractive + "  server: {gateway: {parentRefs: [{name: a, port: 0}]}}\n", paths: []string{"spec.server.gateway.parentRefs[0].port"}, word: "greater than or equal to 1"},
	{name: "gateway hostname that is an address", spec: extractive + "  server: {gateway: {parentRefs: [{name: a}], hostnames: [192.0.2.1]}}\n", paths: []string{"spec.server.gateway.hostnames[0]"}, word: "no address"},
	{name: "nobody has to be ready", spec: extractive + "  server: {minAvailable: 0}\n", paths: []string{"spec.server.minAvailable"}, word: "greater than or equal to 1"},
	{name: "spread twice over a domain", spec: extractive + "  server: {scheduling: {topologySpreadConstraints: [{topologyKey: zone, maxSkew: 1, whenUnsatisfiable: DoNotSchedule}, {topologyKey: zone, maxSkew: 2, whenUnsatisfiable: DoNotSchedule}]}}\n", paths: []string{"spec.server.scheduling.topologySpreadConstraints[1]"}, word: "uplicate"},
	{name: "spread over nothing", spec: extractive + "  server: {scheduling: {topologySpreadConstraints: [{maxSkew: 1, whenUnsatisfiable: DoNotSchedule}]}}\n", paths: []string{"spec.server.scheduling.topologySpreadConstraints[0].topologyKey"}, word: "Required"},
	{name: "no tolerations", spec: extractive + "  server: {scheduling: {tolerations: []}}\n", paths: []string{"spec.server.scheduling.tolerations"}, word: "at least 1"},
	{name: "no labels of nodes", spec: extractive + "  server: {scheduling: {nodeSelector: {}}}\n", paths: []string{"spec.server.scheduling.nodeSelector"}, word: "at least 1"},
	{name: "priority class in capitals", spec: extractive + "  server: {scheduling: {priorityClassName: High}}\n", paths: []string{"spec.server.scheduling.priorityClassName"}, word: "PriorityClass"},
	{name: "affinity of an unknown kind", spec: extractive + "  server: {scheduling: {affinity: {nodeaffinity: {}}}}\n", paths: []string{"spec.server.scheduling.affinity.nodeaffinity"}, word: "nknown"},
	{name: "empty image", spec: extractive + "  server: {image: ''}\n", paths: []string{"spec.server.image"}, word: "at least 1 chars"},
	{name: "image with a space", spec: extractive + "  server: {image: 'a b'}\n", paths: []string{"spec.server.image"}, word: "match"},

	{name: "topK 0", spec: extractive + "  retrieval: {topK: 0}\n", paths: []string{"spec.retrieval.topK"}, word: "greater than or equal to 1"},
	{name: "topK over maxTopK", spec: extractive + "  retrieval: {topK: 6, maxTopK: 5}\n", paths: []string{"spec.retrieval.topK"}, word: "maxTopK"},
	{name: "topK over the default of maxTopK", spec: extractive + "  retrieval: {topK: 51}\n", paths: []string{"spec.retrieval.topK"}, word: "maxTopK"},
	{name: "maxTopK too large", spec: extractive + "  retrieval: {maxTopK: 201}\n", paths: []string{"spec.retrieval.maxTopK"}, word: "200"},
	{name: "words too few", spec: extractive + "  retrieval: {chunking: {words: 19, overlapWords: 0}}\n", paths: []string{"spec.retrieval.chunking.words"}, word: "20"},
	{name: "overlap over half", spec: extractive + "  retrieval: {chunking: {words: 100, overlapWords: 51}}\n", paths: []string{"spec.retrieval.chunking.overlapWords"}, word: "half"},
	{name: "overlap negative", spec: extractive + "  retrieval: {chunking: {overlapWords: -1}}\n", paths: []string{"spec.retrieval.chunking.overlapWords"}, word: "greater than or equal to 0"},

	{name: "unknown language", spec: extractive + "  retrieval: {languages: [en, xx]}\n", paths: []string{"spec.retrieval.languages[1]"}, word: "supported values"},
	{name: "language twice", spec: extractive + "  retrieval: {languages: [en, en]}\n", paths: []string{"spec.retrieval.languages[1]"}, word: "uplicate"},
	{name: "no language", spec: extractive + "  retrieval: {languages: []}\n", paths: []string{"spec.retrieval.languages"}, word: "at least 1"},

	{name: "ttl in words", spec: extractive + "  cache: {ttl: {search: 1 hour}}\n", paths: []string{"spec.cache.ttl.search"}, word: "such as 15m"},
	{name: "ttl too short", spec: extractive + "  cache: {ttl: {llm: 10ms}}\n", paths: []string{"spec.cache.ttl.llm"}, word: "from 1s to 720h"},
	{name: "ttl too long", spec: extractive + "  cache: {ttl: {llm: 721h}}\n", paths: []string{"spec.cache.ttl.llm"}, word: "from 1s to 720h"},
	{name: "stale in words", spec: extractive + "  cache: {staleIfError: ten minutes}\n", paths: []string{"spec.cache.staleIfError"}, word: "such as 10m"},
	{name: "stale too long", spec: extractive + "  cache: {staleIfError: 25h}\n", paths: []string{"spec.cache.staleIfError"}, word: "from 0s to 24h"},
	{name: "too many popular questions", spec: extractive + "  cache: {warm: {popular: 101}}\n", paths: []string{"spec.cache.warm.popular"}, word: "less than or equal to 100"},
	{name: "a question of nothing", spec: extractive + "  cache: {warm: {questions: ['']}}\n", paths: []string{"spec.cache.warm.questions[0]"}, word: "at least 1"},
	{name: "jitter over half", spec: extractive + "  cache: {jitterPercent: 51}\n", paths: []string{"spec.cache.jitterPercent"}, word: "less than or equal to 50"},
	{name: "no-cache for a tier that is not there", spec: extractive + "  cache: {noCacheTiers: [gold]}\n", paths: []string{"spec.cache.noCacheTiers"}, word: "names of spec.rateLimits.tiers"},
	{name: "no-cache for a default tier that was replaced", spec: extractive + "  cache: {noCacheTiers: [free]}\n  rateLimits: {defaultTier: gold, tiers: [{name: gold, requestsPerMinute: 1}]}\n", paths: []string{"spec.cache.noCacheTiers"}, word: "names of spec.rateLimits.tiers"},
	{name: "a price in words", spec: "  models: {llm: {provider: OpenAI, baseURL: 'http://llm/v1', model: m, pricing: {promptUSDPerMillion: cheap, completionUSDPerMillion: '1'}}}\n", paths: []string{"spec.models.llm.pricing.promptUSDPerMillion"}, word: "in quotes"},
	{name: "half a price", spec: "  models: {llm: {provider: OpenAI, baseURL: 'http://llm/v1', model: m, pricing: {promptUSDPerMillion: '1'}}}\n", paths: []string{"spec.models.llm.pricing.completionUSDPerMillion"}, word: "Required"},
	{name: "a price of no model", spec: "  models: {llm: {provider: Extractive, pricing: {promptUSDPerMillion: '1', completionUSDPerMillion: '1'}}}\n", paths: []string{"spec.models.llm"}, word: "pricing"},
	{name: "another rule for models that are down", spec: "  models: {llm: {provider: OpenAI, baseURL: 'http://llm/v1', model: m, onUnavailable: Retry}}\n", paths: []string{"spec.models.llm.onUnavailable"}, word: "Extract"},
	{name: "no requests in flight", spec: extractive + "  resilience: {maxInFlight: 0}\n", paths: []string{"spec.resilience.maxInFlight"}, word: "1"},
	{name: "eleven retries", spec: extractive + "  resilience: {retries: 11}\n", paths: []string{"spec.resilience.retries"}, word: "10"},
	{name: "a backoff too short", spec: extractive + "  resilience: {initialBackoff: 99ms}\n", paths: []string{"spec.resilience.initialBackoff"}, word: "100ms"},
	{name: "no failure", spec: extractive + "  resilience: {circuitBreaker: {failures: 0}}\n", paths: []string{"spec.resilience.circuitBreaker.failures"}, word: "1"},
	{name: "a circuit open for too long", spec: extractive + "  resilience: {circuitBreaker: {openFor: 61m}}\n", paths: []string{"spec.resilience.circuitBreaker.openFor"}, word: "1h"},
	{name: "a queue without an end", spec: extractive + "  resilience: {queueTimeout: 2m}\n", paths: []string{"spec.resilience.queueTimeout"}, word: "1m"},
	{name: "a fallback without a model", spec: withLLM("fallbacks: [{baseURL: 'http://a/v1'}]"), paths: []string{"spec.models.llm.fallbacks[0].model"}, word: "Required"},
	{name: "a fallback without an address", spec: withLLM("fallbacks: [{model: m}]"), paths: []string{"spec.models.llm.fallbacks[0].baseURL"}, word: "Required"},
	{name: "a fallback with a password", spec: withLLM("fallbacks: [{model: m, baseURL: 'https://u:p@b/v1'}]"), paths: []string{"spec.models.llm.fallbacks[0].baseURL"}, word: "apiKeySecretRef"},
	{name: "a fallback without room", spec: withLLM("fallbacks: [{model: m, baseURL: 'http://b/v1', contextTokens: 2048}], maxTokens: 2048"), paths: []string{"spec.models.llm.fallbacks"}, word: "greater than"},
	{name: "a fallback without room beside the default", spec: withLLM("fallbacks: [{model: m, baseURL: 'http://b/v1', contextTokens: 1024}]"), paths: []string{"spec.models.llm.fallbacks"}, word: "greater than"},
	{name: "a fallback's authority without TLS", spec: withLLM("fallbacks: [{model: m, baseURL: 'http://b/v1', caSecretRef: {name: a, key: b}}]"), paths: []string{"spec.models.llm.fallbacks[0].caSecretRef"}, word: "has no effect"},
	{name: "four fallbacks", spec: withLLM("fallbacks: [{model: m, baseURL: 'http://b/v1'}, {model: m, baseURL: 'http://b/v1'}, {model: m, baseURL: 'http://b/v1'}, {model: m, baseURL: 'http://b/v1'}]"), paths: []string{"spec.models.llm.fallbacks"}, word: "3"},
	{name: "fallbacks of what extracts", spec: "  models: {llm: {provider: Extractive, fallbacks: [{model: m, baseURL: 'http://b/v1'}]}}\n", paths: []string{"spec.models.llm"}, word: "fallbacks"},
	{name: "extracting from what extracts", spec: "  models: {llm: {provider: Extractive, onUnavailable: Extract}}\n", paths: []string{"spec.models.llm"}, word: "onUnavailable"},
	{name: "refill in halves", spec: extractive + "  rateLimits: {refill: Half}\n", paths: []string{"spec.rateLimits.refill"}, word: "WholeTokens"},
	{name: "limits that fail otherwise", spec: extractive + "  rateLimits: {onStoreFailure: Panic}\n", paths: []string{"spec.rateLimits.onStoreFailure"}, word: "Deny"},
	{name: "a tenant without a limit", spec: extractive + "  rateLimits: {tenant: {}}\n", paths: []string{"spec.rateLimits.tenant.requestsPerMinute"}, word: "Required"},
	{name: "a service with no requests", spec: extractive + "  rateLimits: {service: {requestsPerMinute: 0}}\n", paths: []string{"spec.rateLimits.service.requestsPerMinute"}, word: "greater than or equal to 1"},
	{name: "cached responses for nothing", spec: extractive + "  rateLimits: {cachedResponses: None}\n", paths: []string{"spec.rateLimits.cachedResponses"}, word: "Free"},
	{name: "local too large", spec: extractive + "  cache: {local: {maxBytes: 17Gi}}\n", paths: []string{"spec.cache.local.maxBytes"}, word: "from 1Mi to 16Gi"},
	{name: "generation negative", spec: extractive + "  cache: {generation: -1}\n", paths: []string{"spec.cache.generation"}, word: "greater than or equal to 0"},
	{name: "enabled as text", spec: extractive + "  cache: {enabled: 'yes'}\n", paths: []string{"spec.cache.enabled"}, word: "boolean"},

	{name: "default tier of no tier", spec: extractive + "  rateLimits: {defaultTier: gold}\n", paths: []string{"spec.rateLimits.defaultTier"}, word: "one of spec.rateLimits.tiers"},
	{name: "default tier not among those given", spec: extractive + "  rateLimits: {tiers: [{name: gold, requestsPerMinute: 1}]}\n", paths: []string{"spec.rateLimits.defaultTier"}, word: "one of spec.rateLimits.tiers"},
	{name: "tier twice", spec: extractive + "  rateLimits: {tiers: [{name: free, requestsPerMinute: 1}, {name: free, requestsPerMinute: 2}]}\n", paths: []string{"spec.rateLimits.tiers[1]"}, word: "Duplicate"},
	{name: "tier of a wrong name", spec: extractive + "  rateLimits: {tiers: [{name: free, requestsPerMinute: 1}, {name: Gold, requestsPerMinute: 2}]}\n", paths: []string{"spec.rateLimits.tiers[1].name"}, word: "match"},
	{name: "tier without a number", spec: extractive + "  rateLimits: {tiers: [{name: free}]}\n", paths: []string{"spec.rateLimits.tiers[0].requestsPerMinute"}, word: "Required"},
	{name: "tier of nothing", spec: extractive + "  rateLimits: {tiers: [{name: free, requestsPerMinute: 0}]}\n", paths: []string{"spec.rateLimits.tiers[0].requestsPerMinute"}, word: "greater than or equal to 1"},
	{name: "empty tiers", spec: extractive + "  rateLimits: {tiers: []}\n", paths: []string{"spec.rateLimits.defaultTier", "spec.rateLimits.tiers"}, word: "at least 1 items"},
	{name: "unknown endpoint", spec: extractive + "  rateLimits: {endpoints: [{name: chat, requestsPerMinute: 1}]}\n", paths: []string{"spec.rateLimits.endpoints[0].name"}, word: "documents"},
	{name: "endpoint twice", spec: extractive + "  rateLimits: {endpoints: [{name: ask, requestsPerMinute: 1}, {name: ask, requestsPerMinute: 2}]}\n", paths: []string{"spec.rateLimits.endpoints[1]"}, word: "Duplicate"},
	{name: "endpoint without a number", spec: extractive + "  rateLimits: {endpoints: [{name: ask}]}\n", paths: []string{"spec.rateLimits.endpoints[0].requestsPerMinute"}, word: "Required"},
	{name: "endpoint for no tier", spec: extractive + "  rateLimits: {endpoints: [{name: ask, requestsPerMinute: 1, tiers: [{name: gold, requestsPerMinute: 2}]}]}\n", paths: []string{"spec.rateLimits.endpoints"}, word: "one of spec.rateLimits.tiers"},
	{name: "burst 0", spec: extractive + "  rateLimits: {endpoints: [{name: ask, requestsPerMinute: 1, burst: 0}]}\n", paths: []string{"spec.rateLimits.endpoints[0].burst"}, word: "greater than or equal to 1"},
	{name: "cost too high", spec: extractive + "  rateLimits: {endpoints: [{name: ask, requestsPerMinute: 1, cost: 1001}]}\n", paths: []string{"spec.rateLimits.endpoints[0].cost"}, word: "1000"},

	{name: "unknown mode of auth", spec: extractive + "  auth: {mode: Basic}\n", paths: []string{"spec.auth.mode"}, word: "Anonymous"},
	{name: "tokens without a word of them", spec: extractive + "  auth: {mode: JWT}\n", paths: []string{"spec.auth.jwt"}, word: "is required with"},
	{name: "tokens that nobody looks at", spec: extractive + "  auth: {jwt: {issuer: 'https://login', audiences: [rag], jwks: '{}'}}\n", paths: []string{"spec.auth.jwt"}, word: "no effect"},
	{name: "tokens without keys", spec: extractive + "  auth: {mode: JWT, jwt: {issuer: 'https://login', audiences: [rag]}}\n", paths: []string{"spec.auth.jwt"}, word: "either jwksURL"},
	{name: "tokens with keys twice", spec: extractive + "  auth: {mode: JWT, jwt: {issuer: 'https://login', audiences: [rag], jwksURL: 'https://login/keys', jwks: '{}'}}\n", paths: []string{"spec.auth.jwt"}, word: "either jwksURL"},
	{name: "tokens for nobody", spec: extractive + "  auth: {mode: JWT, jwt: {issuer: 'https://login', jwksURL: 'https://login/keys'}}\n", paths: []string{"spec.auth.jwt.audiences"}, word: "Required"},
	{name: "tokens of a shared secret", spec: extractive + "  auth: {mode: JWT, jwt: {issuer: 'https://login', audiences: [rag], jwksURL: 'https://login/keys', algorithms: [HS256]}}\n", paths: []string{"spec.auth.jwt.algorithms[0]"}, word: "RS256"},
	{name: "an authority of keys without TLS", spec: extractive + "  auth: {mode: JWT, jwt: {issuer: 'https://login', audiences: [rag], jwksURL: 'http://login/keys', caSecretRef: {name: a, key: b}}}\n", paths: []string{"spec.auth.jwt.caSecretRef"}, word: "no effect"},
	{name: "an authority of keys that are given", spec: extractive + "  auth: {mode: JWT, jwt: {issuer: 'https://login', audiences: [rag], jwks: '{}', caSecretRef: {name: a, key: b}}}\n", paths: []string{"spec.auth.jwt.caSecretRef"}, word: "no effect"},
	{name: "keys at no address", spec: extractive + "  auth: {mode: JWT, jwt: {issuer: 'https://login', audiences: [rag], jwksURL: 'ldap://login/keys'}}\n", paths: []string{"spec.auth.jwt.jwksURL"}, word: "http or https URL"},
	{name: "a proxy nowhere", spec: extractive + "  auth: {mode: TrustedHeader}\n", paths: []string{"spec.auth.trustedHeader"}, word: "is required with"},
	{name: "a proxy without networks", spec: extractive + "  auth: {mode: TrustedHeader, trustedHeader: {networks: []}}\n", paths: []string{"spec.auth.trustedHeader.networks"}, word: "at least 1"},
	{name: "a proxy in no network", spec: extractive + "  auth: {mode: TrustedHeader, trustedHeader: {networks: [10.0.0.1]}}\n", paths: []string{"spec.auth.trustedHeader.networks[0]"}, word: "a network such as"},
	{name: "a header that is none", spec: extractive + "  auth: {mode: TrustedHeader, trustedHeader: {networks: [10.0.0.0/8], user: 'X User'}}\n", paths: []string{"spec.auth.trustedHeader.user"}, word: "should match"},
	{name: "proxies in no network", spec: extractive + "  auth: {trustedProxies: {networks: [everywhere]}}\n", paths: []string{"spec.auth.trustedProxies.networks[0]"}, word: "a network such as"},
	{name: "too many proxies", spec: extractive + "  auth: {trustedProxies: {depth: 9}}\n", paths: []string{"spec.auth.trustedProxies.depth"}, word: "less than or equal to 8"},
	{name: "keys for nobody", spec: extractive + "  auth: {mode: Anonymous, apiKeysSecretRef: {name: a}}\n", paths: []string{"spec.auth.apiKeysSecretRef"}, word: "has no effect"},
	{name: "unknown level", spec: extractive + "  logging: {level: TRACE}\n", paths: []string{"spec.logging.level"}, word: "WARNING"},
	{name: "unknown detail of queries", spec: extractive + "  logging: {logQueries: Hashed}\n", paths: []string{"spec.logging.logQueries"}, word: "Full"},
	{name: "slow in words", spec: extractive + "  logging: {slowQueryThreshold: one second}\n", paths: []string{"spec.logging.slowQueryThreshold"}, word: "such as 500ms"},
	{name: "volume too small", spec: extractive + "  logging: {dailyVolumeLimit: 1023Ki}\n", paths: []string{"spec.logging.dailyVolumeLimit"}, word: "from 1Mi to 1Ti"},
	{name: "volume in words", spec: extractive + "  logging: {dailyVolumeLimit: a lot}\n", paths: []string{"spec.logging.dailyVolumeLimit"}, word: "such as 100Mi"},
	{name: "files too small", spec: extractive + "  logging: {file: {enabled: true, maxBytes: 15Mi}}\n", paths: []string{"spec.logging.file.maxBytes"}, word: "from 16Mi to 1Ti"},
	{name: "size of no files", spec: extractive + "  logging: {file: {maxBytes: 16Mi}}\n", paths: []string{"spec.logging.file.maxBytes"}, word: "has no effect"},
	{name: "slow too long", spec: extractive + "  logging: {slowQueryThreshold: 11m}\n", paths: []string{"spec.logging.slowQueryThreshold"}, word: "from 0s to 10m"},
	{name: "origin with a path", spec: extractive + "  server: {cors: {allowedOrigins: ['https://app.example.com/']}}\n", paths: []string{"spec.server.cors.allowedOrigins[0]"}, word: "without anything after"},
	{name: "origin without a scheme", spec: extractive + "  server: {cors: {allowedOrigins: [app.example.com]}}\n", paths: []string{"spec.server.cors.allowedOrigins[0]"}, word: "without anything after"},
	{name: "no origins", spec: extractive + "  server: {cors: {allowedOrigins: []}}\n", paths: []string{"spec.server.cors.allowedOrigins"}, word: "at least 1"},
	{name: "egress without policies", spec: extractive + "  networkPolicy: {enabled: false, egress: [{cidr: 10.0.0.0/8, port: 1}]}\n", paths: []string{"spec.networkPolicy.egress"}, word: "has no effect"},
	{name: "egress to an address", spec: extractive + "  networkPolicy: {egress: [{cidr: 10.0.0.1, port: 1}]}\n", paths: []string{"spec.networkPolicy.egress[0].cidr"}, word: "block of addresses"},
	{name: "egress to no port", spec: extractive + "  networkPolicy: {egress: [{cidr: 10.0.0.0/8, port: 0}]}\n", paths: []string{"spec.networkPolicy.egress[0].port"}, word: "greater than or equal to 1"},
	{name: "label of the operator's own", spec: extractive + "  server: {podMetadata: {labels: {app.kubernetes.io/name: x}}}\n", paths: []string{"spec.server.podMetadata.labels"}, word: "the operator's own"},
	{name: "label of an impossible key", spec: extractive + "  server: {podMetadata: {labels: {'a b': x}}}\n", paths: []string{"spec.server.podMetadata.labels"}, word: "keys of labels"},
	{name: "no labels", spec: extractive + "  server: {podMetadata: {labels: {}}}\n", paths: []string{"spec.server.podMetadata.labels"}, word: "at least 1"},
	{name: "annotation of the operator's own", spec: extractive + "  server: {podMetadata: {annotations: {ragservice.dev/start-hash: x}}}\n", paths: []string{"spec.server.podMetadata.annotations"}, word: "the operator's own"},
	{name: "account annotation of an impossible key", spec: extractive + "  server: {serviceAccountAnnotations: {'a b': x}}\n", paths: []string{"spec.server.serviceAccountAnnotations"}, word: "keys of annotations"},
	{name: "variable of the operator's own", spec: extractive + "  server: {env: [{name: A}, {name: GOMEMLIMIT, value: '1'}]}\n", paths: []string{"spec.server.env[1].name"}, word: "set by the operator"},
	{name: "variable of an impossible name", spec: extractive + "  server: {env: [{name: A-B}]}\n", paths: []string{"spec.server.env[0].name"}, word: "match"},
	{name: "variable twice", spec: extractive + "  server: {env: [{name: A}, {name: A}]}\n", paths: []string{"spec.server.env[1]"}, word: "uplicate"},
	{name: "variable without a name", spec: extractive + "  server: {env: [{value: a}]}\n", paths: []string{"spec.server.env[0].name"}, word: "Required"},
	{name: "Service of an unknown type", spec: extractive + "  server: {service: {type: ExternalName}}\n", paths: []string{"spec.server.service.type"}, word: "LoadBalancer"},
	{name: "Service annotation of the operator's own", spec: extractive + "  server: {service: {annotations: {ragservice.dev/applied-hash: x}}}\n", paths: []string{"spec.server.service.annotations"}, word: "the operator's own"},
	{name: "local cache over half of the default limit", spec: extractive + "  cache: {local: {maxBytes: 257Mi}}\n", paths: []string{"spec.cache.local.maxBytes"}, word: "half of the server's memory limit"},
	{name: "default local cache over half of the limit", spec: extractive + "  server: {resources: {limits: {memory: 127Mi}}}\n", paths: []string{"spec.cache.local.maxBytes"}, word: "half of the server's memory limit"},
	{name: "unknown deletion policy", spec: extractive + "  deletionPolicy: Keep\n", paths: []string{"spec.deletionPolicy"}, word: "Retain"},
	{name: "misspelt field", spec: extractive + "  retrieval: {topk: 5}\n", paths: []string{"spec.retrieval.topk"}, word: "unknown field"},
	{name: "field at the wrong depth", spec: extractive + "  replicas: 3\n", paths: []string{"spec.replicas"}, word: "unknown field"},
	{name: "two problems", spec: extractive + "  server: {replicas: -1}\n  cache: {generation: -1}\n", paths: []string{"spec.cache.generation", "spec.server.replicas"}, word: "greater than or equal to 0"},
}

func TestRefusedOfflineAndByAPIServerAlike(t *testing.T) {
	api := newClient(t)
	for i, tt := range slices.Concat(refused, refusedStores, refusedWatching, refusedBudgets) {
		t.Run(tt.name, func(t *testing.T) {
			name := tt.metadataName
			if name == "" {
				name = fmt.Sprintf("refused-%d", i)
			}
			text := withSpec(name, tt.spec)
			_, err := manifest.Load([]byte(text))
			var invalid *manifest.InvalidError
			if !errors.As(err, &invalid) {
				t.Fatalf("offline: got %v, want an InvalidError", err)
			}
			check(t, "offline", pathsOf(invalid), err, tt.paths, tt.word)
			err = create(t, api, text)
			check(t, "API server", serverPaths(t, err), err, tt.paths, tt.word)
		})
	}
}

func check(t *testing.T, by string, got []string, err error, want []string, word string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: fields (-want +got):\n%s\n%v", by, diff, err)
	}
	if !strings.Contains(err.Error(), word) {
		t.Errorf("%s: %q does not say %q", by, err, word)
	}
}

func pathsOf(e *manifest.InvalidError) []string {
	var paths []string
	for _, p := range e.Problems {
		paths = append(paths, p.Path)
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// serverPaths are the fields that an answer of the API server names: in its details, or, when it did not get past
// decoding, in its text.
func serverPaths(t *testing.T, err error) []string {
	t.Helper()
	var status *apierrors.StatusError
	if !errors.As(err, &status) {
		t.Fatalf("API server: got %v, want a refusal", err)
	}
	if _, after, found := strings.Cut(err.Error(), `strict decoding error: unknown field "`); found {
		path, _, _ := strings.Cut(after, `"`)
		return []string{path}
	}
	var paths []string
	for _, c := range status.ErrStatus.Details.Causes {
		if strings.Contains(c.Message, "some validation rules were not checked") {
			continue
		}
		path := strings.TrimPrefix(c.Field, ".") // the scale subresource's check of spec.server.replicas writes one
		if path == "<nil>" {
			path = "RAGService"
		}
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

func newClient(t *testing.T) client.Client {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	c, err := client.New(controlplane.Start(t, "../../config/crd/bases"), client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// create sends the text as kubectl does: with strict validation of fields.
func create(t *testing.T, c client.Client, text string, options ...client.CreateOption) error {
	t.Helper()
	asJSON, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	object := &unstructured.Unstructured{}
	if err := utiljson.Unmarshal(asJSON, &object.Object); err != nil {
		t.Fatal(err)
	}
	object.SetNamespace(metav1.NamespaceDefault)
	return c.Create(context.Background(), object, append(options, client.FieldValidation(metav1.FieldValidationStrict))...)
}
