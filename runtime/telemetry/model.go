package telemetry

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics of language models have the names and labels of OpenTelemetry's semantic conventions
// (https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-metrics/) as it writes them for Prometheus.
const (
	genAIOperation = "gen_ai_operation_name"
	genAIProvider  = "gen_ai_provider_name"
	genAIModel     = "gen_ai_request_model"
	genAITokenType = "gen_ai_token_type"
	errorType      = "error_type"
)

// Values of the labels: answers are made with OpenAI's chat API, whoever serves it.
const (
	operationChat  = "chat"
	providerOpenAI = "openai"
)

// modelMetrics are those of requests to language models.
type modelMetrics struct {
	duration *prometheus.HistogramVec
	tokens   *prometheus.HistogramVec
}

func newModelMetrics() modelMetrics {
	return modelMetrics{
		duration: histogram("gen_ai_client_operation_duration_seconds", "Time of a request to the language model, with its retries.",
			workSeconds, genAIOperation, genAIProvider, genAIModel, errorType),
		tokens: histogram("gen_ai_client_token_usage", "Tokens of a request to the language model that was answered.",
			tokenCounts, genAIOperation, genAIProvider, genAIModel, genAITokenType),
	}
}

// tokenCounts are the bounds of the semantic conventions as far as contexts of models reach.
var tokenCounts = []float64{1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576}

// Tokens are those of a request to a model: Input was read, Output written.
type Tokens struct{ Input, Output int }

// Model measures a request to a language model of the configuration, retries included; outcome is ok or the code of the error.
func (m *Metrics) Model(ctx context.Context, model, outcome string, took time.Duration, tokens Tokens) {
	failure := outcome
	if outcome == "ok" {
		failure = "" // as the conventions have it: only errors have a type
		m.model.tokens.WithLabelValues(operationChat, providerOpenAI, model, "input").Observe(float64(tokens.Input))
		m.model.tokens.WithLabelValues(operationChat, providerOpenAI, model, "output").Observe(float64(tokens.Output))
	}
	observe(ctx, m.model.duration.WithLabelValues(operationChat, providerOpenAI, model, failure), took)
}
