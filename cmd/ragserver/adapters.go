package main

import (
	"context"
	"errors"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/middleware"
	"github.com/ragservice/ragservice-operator/runtime/models"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
	"github.com/ragservice/ragservice-operator/runtime/terms"
)

// answerer is the generator that the configuration names at the moment.
type answerer struct {
	source *config.Source
	chain  *models.Chain
	// analyser makes the terms that the index has: answers and citations are compared by the same.
	analyser *terms.Analyser
}

func (a answerer) Generate(ctx context.Context, p rag.Prompt, emit func(rag.Piece) error) (rag.Completion, error) {
	if a.source.Config().LLM.Provider == config.ProviderOpenAI {
		return traced{a.chain}.Generate(ctx, p, emit)
	}
	return traced{models.Extractive{Analyser: a.analyser}}.Generate(ctx, p, emit)
}

// traced is a generator whose work is a span.
type traced struct{ rag.Generator }

func (g traced) Generate(ctx context.Context, p rag.Prompt, emit func(rag.Piece) error) (rag.Completion, error) {
	ctx, span := telemetry.StartSpan(ctx, telemetry.SpanGenerate)
	defer span.End()
	span.String(telemetry.AttributeModel, p.Model)
	span.Int(telemetry.AttributePassages, len(p.Passages))
	out, err := g.Generator.Generate(ctx, p, emit)
	if err != nil {
		span.Fail(rag.KindOf(err).Code)
	}
	return out, err
}

// tracedIndex is an index whose legs are spans.
type tracedIndex struct{ rag.Index }

func (i tracedIndex) Keyword(ctx context.Context, q rag.KeywordQuery) (rag.Leg, rag.Statistics, error) {
	ctx, span := telemetry.StartSpan(ctx, telemetry.SpanKeyword)
	defer span.End()
	leg, statistics, err := i.Index.Keyword(ctx, q)
	span.Int(telemetry.AttributeHits, len(leg.Hits))
	if err != nil {
		span.Fail(rag.KindOf(err).Code)
	}
	return leg, statistics, err
}

// timed is a generator whose time is the model's, which does not count as a request's own.
type timed struct{ rag.Generator }

func (g timed) Generate(ctx context.Context, p rag.Prompt, emit func(rag.Piece) error) (rag.Completion, error) {
	defer middleware.NoteModelTime(ctx, time.Now())
	return g.Generator.Generate(ctx, p, emit)
}

// measured is a store whose searches are timed, and told when they are slow; what the cache answers does not reach it.
type measured struct {
	rag.Retriever
	metrics *telemetry.Metrics
	log     *logging.Log
	logging func() config.Logging
	hasher  logging.Hasher
}

func (m measured) Retrieve(ctx context.Context, q rag.Query) (rag.Retrieval, error) {
	ctx, span := telemetry.StartSpan(ctx, telemetry.SpanRetrieve)
	defer span.End()
	began := time.Now()
	found, err := m.Retriever.Retrieve(ctx, q)
	span.String(telemetry.AttributeSearchMode, string(found.Mode))
	span.Int(telemetry.AttributeHits, len(found.Hits))
	span.Bool(telemetry.AttributeDegraded, found.Degraded)
	outcome := "ok"
	switch {
	case errors.Is(err, context.Canceled):
		outcome = "canceled"
	case err != nil:
		outcome = rag.KindOf(err).Code
		span.Fail(outcome)
	case found.Degraded:
		outcome = "degraded"
	}
	took := time.Since(began)
	m.metrics.Retrieval(ctx, string(q.Mode), outcome, took)
	if err == nil {
		m.metrics.Found(documentsOf(found.Hits))
	}
	if set := m.logging(); set.SlowQueryThreshold > 0 && took > set.SlowQueryThreshold.D() {
		slow := logging.SlowQuery{
			Query:      m.hasher.Tell(set.LogQueries, q.Text),
			SearchMode: string(q.Mode),
			Hits:       len(found.Hits),
			Threshold:  set.SlowQueryThreshold.D(),
			Took:       took,
		}
		if err != nil {
			slow.Code = outcome
		}
		m.log.Write(ctx, slow)
	}
	return found, err
}

// documentsOf is how many documents hits are passages of.
func documentsOf(hits []rag.Hit) int {
	documents := map[string]struct{}{}
	for i := range hits {
		documents[hits[i].DocumentID] = struct{}{}
	}
	return len(documents)
}

func (srv *server) observeModel(ctx context.Context, model, outcome string, took time.Duration, usage rag.Usage) {
	srv.metrics.Model(ctx, model, outcome, took, telemetry.Tokens{Input: usage.PromptTokens, Output: usage.CompletionTokens})
	srv.traffic.Model(outcome != "ok" && outcome != rag.ErrLLMRefused.Code) // a model that refuses a question is there
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
