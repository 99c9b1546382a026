package models

import (
	"cmp"
	"context"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/resilience"
	"github.com/ragservice/ragservice-operator/runtime/terms"
)

// Chain asks a model, and when that is down or too slow the ones that stand in for it, in their order. Nothing is asked of another once a
// piece of an answer was emitted.
type Chain struct {
	// First is the model of the prompts.
	First *OpenAI
	// Fallbacks have the names and addresses of their Settings.
	Fallbacks []*OpenAI
	// Analyser is the index's, by which places that support an answer are found; nil means one for English.
	Analyser *terms.Analyser
	// OnFallback is told the model that wrote an answer in place of the first.
	OnFallback func(model string)
}

// Fallback are the settings of the fallback f, which has its own server, name, context and price and all else of the first model. Its price is
// that of now, as long as the configuration names it.
func Fallback(first func() config.LLM, f config.LLMFallback) func() config.LLM {
	return func() config.LLM {
		settings := first()
		settings.BaseURL, settings.Model, settings.ContextTokens = f.BaseURL, f.Model, cmp.Or(f.ContextTokens, settings.ContextTokens)
		settings.Pricing = f.Pricing
		for _, now := range settings.Fallbacks {
			if now.BaseURL == f.BaseURL && now.Model == f.Model {
				settings.Pricing = now.Pricing
			}
		}
		return settings
	}
}

// Generate implements rag.Generator. Of the time that is left until the first token must be there, each model may take an equal share, so
// that one that hangs leaves some to the next. Only the last one is tried again. When all fail, the first one's error is returned; when one
// refuses the question, that one's.
func (c *Chain) Generate(ctx context.Context, p rag.Prompt, emit func(rag.Piece) error) (rag.Completion, error) {
	deadline := time.Now().Add(c.First.Settings().Timeout.D())
	if end, ok := ctx.Deadline(); ok && end.Before(deadline) {
		deadline = end
	}
	emitted := false
	told := func(piece rag.Piece) error {
		emitted = true
		return emit(piece)
	}
	out, err := c.cited(c.First, c.turn(0, deadline)).Generate(ctx, p, told)
	failed := err
	for i, model := range c.Fallbacks {
		if emitted || ctx.Err() != nil || !rag.ModelUnavailable(err) || !time.Now().Before(deadline) {
			break
		}
		settings := model.Settings()
		fitting := p.FitFor(settings.Model, settings.BaseURL, settings.ContextTokens)
		if out, err = c.cited(model, c.turn(i+1, deadline)).Generate(ctx, fitting, told); err == nil {
			out.Fallback, out.LeftOut = i+1, len(p.Passages)-len(fitting.Passages)
			c.OnFallback(settings.Model)
			return out, nil
		}
	}
	if emitted || ctx.Err() != nil || !rag.ModelUnavailable(err) {
		return out, err
	}
	return out, failed
}

// cited is a model that takes its turn. Its answer cites what it was given, which of a fallback may be less than the prompt has.
func (c *Chain) cited(model *OpenAI, t turn) rag.Generator {
	return rag.WithCitations(taking{model, t}, c.Analyser)
}

// taking is a model in its turn.
type taking struct {
	model *OpenAI
	turn  turn
}

// Generate implements rag.Generator.
func (t taking) Generate(ctx context.Context, p rag.Prompt, emit func(rag.Piece) error) (rag.Completion, error) {
	return t.model.generate(ctx, p, t.turn, emit)
}

// turn is that of the nth model. It is the last one, too, when those behind it are known to be down.
func (c *Chain) turn(n int, deadline time.Time) turn {
	left := 1
	for _, later := range c.Fallbacks[n:] {
		if later.guard.Health() != resilience.HealthDown {
			left++
		}
	}
	return turn{firstToken: time.Until(deadline) / time.Duration(left), again: left == 1}
}

// Healthy says whether a model answered more than half of its last requests, and whether one was asked at all.
func (c *Chain) Healthy() (healthy, asked bool) {
	healthy, asked = c.First.Healthy()
	for _, fallback := range c.Fallbacks {
		h, a := fallback.Healthy()
		healthy, asked = healthy || h && a, asked || a
	}
	return healthy, asked
}
