package telemetry

import (
	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// All names of spans and of their attributes stand here. They are OpenTelemetry's where it has one. No attribute has the text of a query or
// an answer, a key or who asks, but AttributeQuery, which is set with logging.logQueries Full alone.

// Names of spans. That of a request is its method and route, those of calls to stores and models come from ClientSpan and ChatSpan.
const (
	SpanIdentify    = "identify"
	SpanAdmit       = "admit"
	SpanLimit       = "limit"
	SpanCacheSearch = "cache search"
	SpanCacheLLM    = "cache llm"
	SpanRetrieve    = "retrieve"
	SpanKeyword     = "retrieve keyword"
	SpanGenerate    = "generate"
	spanScope       = "github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// Attributes of HTTP, stores and errors, https://opentelemetry.io/docs/specs/semconv/.
const (
	attributeMethod    = semconv.HTTPRequestMethodKey
	attributeRoute     = semconv.HTTPRouteKey
	attributeStatus    = semconv.HTTPResponseStatusCodeKey
	attributePath      = semconv.URLPathKey
	attributeScheme    = semconv.URLSchemeKey
	attributeVersion   = semconv.NetworkProtocolVersionKey
	attributeError     = semconv.ErrorTypeKey
	attributeSystem    = semconv.DBSystemNameKey
	attributeOperation = semconv.DBOperationNameKey
	attributeHost      = semconv.ServerAddressKey
	attributePort      = semconv.ServerPortKey
)

// Attributes of calls to models, https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/.
const (
	attributeGenAIOperation   = attribute.Key("gen_ai.operation.name")
	attributeGenAIProvider    = attribute.Key("gen_ai.provider.name")
	attributeGenAIModel       = attribute.Key("gen_ai.request.model")
	attributeGenAITemperature = attribute.Key("gen_ai.request.temperature")
	attributeGenAIMaxTokens   = attribute.Key("gen_ai.request.max_tokens")
	attributeGenAIAnswered    = attribute.Key("gen_ai.response.model")
	attributeGenAIFinish      = attribute.Key("gen_ai.response.finish_reasons")
	attributeGenAIInput       = attribute.Key("gen_ai.usage.input_tokens")
	attributeGenAIOutput      = attribute.Key("gen_ai.usage.output_tokens")
)

// Attributes of our own.
const (
	// AttributeCode is that of the error that a request ended in, a caller's too.
	AttributeCode = attribute.Key("ragservice.error.code")
	// AttributeQuery is the text of a query.
	AttributeQuery = attribute.Key("ragservice.query")
	// AttributeAuthMode is how callers say who they are.
	AttributeAuthMode = attribute.Key("ragservice.auth.mode")
	// AttributeTier is a caller's.
	AttributeTier = attribute.Key("ragservice.tier")
	// AttributeEndpoint, AttributeDecision and AttributeSource are of the limiter, as in ragservice_ratelimit_decisions_total.
	AttributeEndpoint = attribute.Key("ragservice.ratelimit.endpoint")
	AttributeDecision = attribute.Key("ragservice.ratelimit.decision")
	AttributeSource   = attribute.Key("ragservice.ratelimit.source")
	// AttributeCacheKind and AttributeCacheOutcome are how the cache served a request, as in X-Cache.
	AttributeCacheKind    = attribute.Key("ragservice.cache.kind")
	AttributeCacheOutcome = attribute.Key("ragservice.cache.outcome")
	// AttributeCacheLayer and AttributeCacheLookup are which layer was asked last and what it said, as in ragservice_cache_lookups_total.
	AttributeCacheLayer  = attribute.Key("ragservice.cache.layer")
	AttributeCacheLookup = attribute.Key("ragservice.cache.lookup")
	// AttributeSearchMode, AttributeHits and AttributeDegraded are of a search.
	AttributeSearchMode = attribute.Key("ragservice.search.mode")
	AttributeHits       = attribute.Key("ragservice.search.hits")
	AttributeDegraded   = attribute.Key("ragservice.search.degraded")
	// AttributeModel and AttributePassages are of an answer that is written.
	AttributeModel    = attribute.Key("ragservice.model")
	AttributePassages = attribute.Key("ragservice.passages")
)

// Systems that ClientSpan names.
const (
	SystemRedis      = "redis"
	SystemOpenSearch = "opensearch"
)
