package main

import (
	"context"
	"errors"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/models"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
	"github.com/ragservice/ragservice-operator/runtime/terms"
)

// answerer is the generator that the configuration names at the moment.
type answerer struct {
	source *config.Source
	openAI *models.OpenAI
	// analyser makes the terms that the index has: answers and citations are compared by the same.
	analyser *terms.Analyser
}

func (a answerer) Generate(ctx context.Context, p rag.Prompt, emit func(rag.Piece) error) (rag.Completion, error) {
	if a.source.Config().LLM.Provider == config.ProviderOpenAI {
		return rag.WithCitations(a.openAI, a.analyser).Generate(ctx, p, emit)
	}
	return models.Extractive{Analyser: a.analyser}.Generate(ctx, p, emit)
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

func (srv *server) observeModel(ctx context.Context, outcome string, took time.Duration, usage rag.Usage) {
	srv.metrics.Model(outcome, took, usage.PromptTokens, usage.CompletionTokens)
	if outcome != "ok" {
		srv.log.Write(ctx, logging.LLMFailed{Code: outcome, Took: took})
		return
	}
	srv.log.Write(ctx, logging.LLMResponse{
		Took:             took,
		PromptTokens:     usage.PromptTokens,
		CompletionTokens: usage.CompletionTokens,
	})
}
