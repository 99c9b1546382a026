package rag

import (
	"context"
	"math"
)

// NanoUSDPerUSD is how many of the units that costs are counted in make a US dollar.
const NanoUSDPerUSD = 1_000_000_000

// Cost is what models take for an answer.
type Cost struct {
	Tokens int64
	// NanoUSD is in billionths of a US dollar, so that sums are exact.
	NanoUSD int64
}

// USD is the cost in US dollars.
func (c Cost) USD() float64 { return float64(c.NanoUSD) / NanoUSDPerUSD }

// Cost is what a model takes for some tokens, the price rounded up to a billionth of a dollar.
func (p Price) Cost(u Usage) Cost {
	return Cost{
		Tokens:  int64(u.PromptTokens) + int64(u.CompletionTokens),
		NanoUSD: int64(math.Ceil(math.Round(p.of(u)*NanoUSDPerUSD*1000) / 1000)), // without what floats add behind the tenth decimal
	}
}

// Budget bounds what models take. Both errors are ErrBudget.
type Budget interface {
	// Any says whether anything is bounded. Where nothing is, nobody need estimate what a call can take.
	Any() bool
	// Check refuses a call for which what is known leaves no room; it asks nobody and reserves nothing.
	Check(ctx context.Context, tenant string, most Cost) error
	// Reserve takes the most that a call to a model can take, unless there is no room for it. settle is then called once, with what the call
	// took, whatever became of it.
	Reserve(ctx context.Context, tenant string, most Cost) (settle func(took Cost), err error)
}

// Most is the most that an answer to p takes: the prompt as it is estimated, and each token that may be written.
func (p Prompt) Most() Usage {
	most := Usage{PromptTokens: messageTokens, CompletionTokens: p.MaxTokens}
	for _, m := range p.Messages() {
		most.PromptTokens += estimateTokens(m.Content)
	}
	return most
}
