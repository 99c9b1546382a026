package main

import (
	"context"
	"errors"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/models"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// settings are the pipeline's part of the configuration.
func settings(c config.Config) rag.Settings {
	s := rag.Settings{Retrieval: rag.RetrievalSettings{
		TopK: c.Retrieval.TopK, MaxTopK: c.Retrieval.MaxTopK, ChunkWords: c.Retrieval.Chunking.Words, ChunkOverlap: c.Retrieval.Chunking.OverlapWords,
	}}
	if c.LLM.Provider == config.ProviderOpenAI {
		s.Model = rag.ModelSettings{
			Name: c.LLM.Model, BaseURL: c.LLM.BaseURL, Temperature: c.LLM.Temperature, MaxTokens: c.LLM.MaxTokens, Timeout: c.LLM.Timeout.D(),
		}
	}
	return s
}

// answerer is the generator that the configuration names at the moment.
type answerer struct {
	source *config.Source
	openAI *models.OpenAI
}

func (a answerer) Generate(ctx context.Context, p rag.Prompt, emit func(string) error) (rag.Completion, error) {
	if a.source.Config().LLM.Provider == config.ProviderOpenAI {
		return a.openAI.Generate(ctx, p, emit)
	}
	return models.Extractive{}.Generate(ctx, p, emit)
}

// measured is a store whose searches are timed; what the cache answers does not reach it.
type measured struct {
	rag.Retriever
	metrics *telemetry.Metrics
}

func (m measured) Retrieve(ctx context.Context, q rag.Query) (rag.Retrieval, error) {
	began := time.Now()
	found, err := m.Retriever.Retrieve(ctx, q)
	outcome := "ok"
	switch {
	case errors.Is(err, context.Canceled):
		outcome = "canceled"
	case err != nil:
		outcome = rag.KindOf(err).Code
	case found.Degraded:
		outcome = "degraded"
	}
	m.metrics.Retrieval(string(q.Mode), outcome, time.Since(began))
	return found, err
}

func (a *assembly) observeModel(ctx context.Context, outcome string, took time.Duration, usage rag.Usage) {
	a.metrics.Model(outcome, took, usage.PromptTokens, usage.CompletionTokens)
	if outcome != "ok" {
		a.log.WarnContext(ctx, logging.LLMGenerationFailed, "dependency", "llm", "code", outcome, "took_ms", took.Milliseconds())
		return
	}
	a.log.InfoContext(ctx, logging.LLMResponse, "took_ms", took.Milliseconds(),
		"prompt_tokens", usage.PromptTokens, "completion_tokens", usage.CompletionTokens)
}

// reloaded tells what became of a newer configuration.
func (a *assembly) reloaded(r config.Reload) {
	if r.Err != nil {
		a.metrics.ConfigRejected()
		a.log.Error(logging.ConfigRejected, "config_hash", r.Hash, "error", r.Err)
		return
	}
	for _, field := range r.Unknown {
		a.log.Warn(logging.ConfigFieldIgnored, "field", field)
	}
	if err := a.log.SetLevel(a.source.Config().Logging.Level); err != nil {
		a.log.Error(logging.ConfigRejected, "config_hash", r.Hash, "error", err)
	}
	a.metrics.ConfigApplied(r.Hash)
	a.log.Info(logging.ConfigReloaded, "config_hash", r.Hash)
}

// statusz is what the operator reads.
func (a *assembly) statusz(podUID string) telemetry.Statusz {
	return telemetry.Statusz{
		PodUID: podUID, Version: version, Ready: a.ready.Load(),
		ConfigHash: a.source.Hash(), RejectedConfigHash: a.source.RejectedHash(),
		OpenSearch: a.openSearch(), RedisCache: redisState(a.redisCache), RedisState: redisState(a.redisState), LLM: a.llmState(),
		WindowSeconds: int(telemetry.Window.Seconds()), Cache: a.traffic.Recent(),
	}
}

func redisState(r *resilience.Redis) telemetry.DependencyState {
	if r == nil {
		return telemetry.DependencyUnused
	}
	return telemetry.DependencyState(r.Health())
}

func (a *assembly) llmState() telemetry.DependencyState {
	if a.source.Config().LLM.Provider != config.ProviderOpenAI {
		return telemetry.DependencyUnused
	}
	switch healthy, asked := a.llm.Healthy(); {
	case !asked:
		return telemetry.DependencyUnknown
	case healthy:
		return telemetry.DependencyUp
	default:
		return telemetry.DependencyDown
	}
}
