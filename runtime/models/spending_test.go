package models

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/test/openaitest"
)

// purse is a budget that admits a number of requests and notes what they took.
type purse struct {
	mu       sync.Mutex
	admits   int
	reserved []rag.Cost
	took     []rag.Cost
}

func (p *purse) Any() bool { return true }

func (p *purse) Check(context.Context, string, rag.Cost) error { return nil }

func (p *purse) Reserve(_ context.Context, _ string, most rag.Cost) (func(rag.Cost), error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.admits == 0 {
		return nil, &rag.Error{Kind: rag.ErrBudget, Message: "spent"}
	}
	p.admits--
	p.reserved = append(p.reserved, most)
	return func(took rag.Cost) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.took = append(p.took, took)
	}, nil
}

// pricedModel has a price of its own for what it reads and writes, so that both show.
func pricedModel(server *openaitest.Server, p *purse) (*OpenAI, *outcomes) {
	model, told := newTestModel(server, time.Second, time.Second)
	unpriced := model.Settings
	model.Settings = func() config.LLM {
		s := unpriced()
		s.Pricing = config.LLMPricing{PromptUSDPerMillion: 1, CompletionUSDPerMillion: 1000}
		return s
	}
	model.Budget = p
	return model, told
}

func TestRequestsAreSettledByWhatTheyTook(t *testing.T) {
	t.Parallel()
	const nothing, counted, whole = "nothing", "what the server counted", "all that was reserved"
	left := errors.New("the caller left")
	for name, test := range map[string]struct {
		behaviour openaitest.Behaviour
		emit      func(rag.Piece) error
		want      string
	}{
		"answered":          {want: counted},
		"refused":           {behaviour: openaitest.Behaviour{Status: 400}, want: nothing},
		"down":              {behaviour: openaitest.Behaviour{Status: 500}, want: nothing},
		"broken off":        {behaviour: openaitest.Behaviour{Fault: openaitest.Reset, AfterPieces: 2}, want: whole},
		"too slow":          {behaviour: openaitest.Behaviour{Delay: openaitest.Forever}, want: whole},
		"the caller leaves": {emit: func(rag.Piece) error { return left }, want: whole},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, p := openaitest.New(t), &purse{admits: 1}
			server.Always(openaitest.Chat, test.behaviour)
			emit := test.emit
			if emit == nil {
				emit = discard
			}
			model, _ := pricedModel(server, p)
			out, _ := model.Generate(t.Context(), testPrompt(), emit)
			most := rag.Price{PromptUSDPerMillion: 1, CompletionUSDPerMillion: 1000}.Cost(testPrompt().Most())
			want := map[string]rag.Cost{nothing: {}, whole: most, counted: {
				Tokens:  int64(out.Usage.PromptTokens + out.Usage.CompletionTokens),
				NanoUSD: int64(out.Usage.PromptTokens)*1000 + int64(out.Usage.CompletionTokens)*1_000_000,
			}}[test.want]
			if diff := cmp.Diff([]rag.Cost{want}, p.took); diff != "" || (test.want == counted && want.Tokens == 0) {
				t.Errorf("settled by %v, want %s:\n%s", p.took, test.want, diff)
			}
			if diff := cmp.Diff([]rag.Cost{most}, p.reserved); diff != "" {
				t.Errorf("reserved: %s", diff)
			}
		})
	}
}

func TestRequestThatNeverWentOutTookNothing(t *testing.T) {
	t.Parallel()
	p := &purse{admits: 10}
	model, _ := pricedModel(openaitest.New(t), p)
	there := model.Settings
	model.Settings = func() config.LLM {
		s := there()
		s.BaseURL = "http://127.0.0.1:1/v1"
		return s
	}
	if _, err := model.Generate(t.Context(), testPrompt(), discard); err == nil {
		t.Fatal("answered by nobody")
	}
	for _, took := range p.took {
		if took != (rag.Cost{}) {
			t.Errorf("it took %+v", took)
		}
	}
	if len(p.took) == 0 || len(p.took) != len(p.reserved) {
		t.Errorf("%d reserved, %d settled", len(p.reserved), len(p.took))
	}
}

// TestModelWithoutBudgetIsNotAsked nor held for one that is down.
func TestModelWithoutBudgetIsNotAsked(t *testing.T) {
	t.Parallel()
	server := openaitest.New(t)
	model, told := pricedModel(server, &purse{})
	_, err := model.Generate(t.Context(), testPrompt(), discard)
	if !errors.Is(err, rag.ErrBudget) || server.Count(openaitest.Chat) != 0 {
		t.Errorf("%v, asked %d times", err, server.Count(openaitest.Chat))
	}
	if _, asked := model.Healthy(); asked || len(told.all) != 0 {
		t.Errorf("it was told: %v", told.all)
	}
}

// TestFallbackReservesAtItsOwnPrice and what the first one did not answer is settled apart.
func TestFallbackReservesAtItsOwnPrice(t *testing.T) {
	t.Parallel()
	first, spare := openaitest.New(t), openaitest.New(t)
	first.Always(openaitest.Chat, openaitest.Behaviour{Status: 500})
	p := &purse{admits: 2}
	model, told := pricedModel(first, p)
	hurried := model.Settings
	model.Settings = func() config.LLM {
		s := hurried()
		s.Timeout = config.Duration(time.Minute) // what is late takes all that was reserved
		return s
	}
	fallback := NewOpenAI(Fallback(model.Settings, config.LLMFallback{
		BaseURL: spare.BaseURL(), Model: "spare", Pricing: config.LLMPricing{CompletionUSDPerMillion: 7},
	}), "", nil, told.observe)
	fallback.Budget = p
	chain := &Chain{First: model, Fallbacks: []*OpenAI{fallback}, OnFallback: func(string) {}}
	out, err := chain.Generate(t.Context(), testPrompt(), discard)
	if err != nil {
		t.Fatal(err)
	}
	want := []rag.Cost{{}, {Tokens: int64(out.Usage.PromptTokens + out.Usage.CompletionTokens), NanoUSD: int64(out.Usage.CompletionTokens) * 7000}}
	if diff := cmp.Diff(want, p.took); diff != "" {
		t.Error(diff)
	}
}

// unbounded is a budget of nothing; asking it for room panics.
type unbounded struct{ rag.Budget }

func (unbounded) Any() bool { return false }

// TestWithoutAnyBudgetNothingIsReserved, and what an answer costs is told all the same.
func TestWithoutAnyBudgetNothingIsReserved(t *testing.T) {
	t.Parallel()
	model, _ := pricedModel(openaitest.New(t), nil)
	model.Budget = unbounded{}
	var cost rag.Cost
	model.OnCost = func(_ string, took rag.Cost) { cost = took }
	if _, err := model.Generate(t.Context(), testPrompt(), discard); err != nil || cost.NanoUSD == 0 {
		t.Errorf("%v, cost %+v", err, cost)
	}
}
