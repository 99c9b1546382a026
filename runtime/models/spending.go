package models

import (
	"context"
	"errors"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/openai/openai-go/v3"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// spending is what one request to a model takes, of which the budget has reserved the most.
type spending struct {
	model  string
	price  rag.Price
	prompt rag.Prompt
	settle func(rag.Cost)
	onCost func(string, rag.Cost)
	// sent says that the model's server may have begun to work.
	sent atomic.Bool
}

// reserve asks the budget for a request. Each attempt is one of its own: a model may have worked for one that got no answer.
func (g *OpenAI) reserve(ctx context.Context, s config.LLM, p rag.Prompt) (*spending, error) {
	request := &spending{
		model: s.Model, price: rag.Price(s.Pricing), prompt: p, settle: func(rag.Cost) {}, onCost: g.OnCost,
	}
	if g.Budget == nil || !g.Budget.Any() {
		return request, nil
	}
	settle, err := g.Budget.Reserve(ctx, p.Tenant, request.price.Cost(p.Most()))
	if err != nil {
		return nil, err
	}
	request.settle = settle
	return request, nil
}

// traced notes when the request goes out.
func (s *spending) traced(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { s.sent.Store(true) }})
}

// end settles what the request took.
func (s *spending) end(out rag.Completion, err error) {
	took := s.price.Cost(s.took(out, err))
	s.settle(took)
	if s.onCost != nil {
		s.onCost(s.model, took)
	}
}

// took is what the model's server counts of an answer that it ended. One that broke off, or that nobody waited for, took the most that it could:
// nobody tells what the model wrote meanwhile. A request that never went out took nothing, and one that was answered with an error counts as
// nothing: mostly it was refused. That is too little when a gateway gave up (502, 504) on a model that had worked.
func (s *spending) took(out rag.Completion, err error) rag.Usage {
	_, refused := errors.AsType[*openai.Error](err)
	counted := out.Usage.PromptTokens+out.Usage.CompletionTokens > 0
	switch {
	case !s.sent.Load(), refused, errors.Is(err, errRedirect):
		return rag.Usage{}
	case counted && out.FinishReason != "":
		return out.Usage
	default:
		return s.prompt.Most()
	}
}
