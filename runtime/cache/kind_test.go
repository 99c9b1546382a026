package cache

import (
	"context"
	"testing"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// TestHitsInMemoryAllocateTheirKeysAlone: a hit makes no closure, and nothing of its lookup outlives it.
func TestHitsInMemoryAllocateTheirKeysAlone(t *testing.T) {
	settings := keyConfig()
	settings.Cache = config.Cache{Enabled: true, TTLLLM: config.Duration(time.Hour), LocalMaxBytes: 1 << 20}
	c := New(Options{Config: func() *config.Config { return &settings }, Control: still{}})
	defer func() { _ = c.Close(context.Background()) }()
	g := c.Generator(threeTokens{})
	ctx, p := context.Background(), keyPrompt()
	p.Model = "llama" // a name that needs no escape
	generate := func() {
		if _, err := g.Generate(ctx, p, ignore); err != nil {
			t.Fatal(err)
		}
	}
	generate()
	if got := testing.AllocsPerRun(100, generate); got > 1 {
		t.Errorf("%v allocations, want one, of the key", got)
	}
}

// still is the state of documents that do not change.
type still struct{ rag.Control }

func (still) Current(context.Context, string) rag.State {
	return rag.State{Token: "t", Confirmed: true}
}

// threeTokens is a model that writes three tokens.
type threeTokens struct{}

func (threeTokens) Generate(_ context.Context, p rag.Prompt, emit func(rag.Piece) error) (rag.Completion, error) {
	pieces := []rag.Piece{{Text: "It "}, {Text: "is "}, {Text: "so."}}
	for _, piece := range pieces {
		if err := emit(piece); err != nil {
			return rag.Completion{}, err
		}
	}
	return rag.Completion{Pieces: pieces, Model: p.Model, FinishReason: rag.FinishStop}, nil
}
