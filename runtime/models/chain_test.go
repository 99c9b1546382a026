package models

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/terms"
	"github.com/ragservice/ragservice-operator/test/openaitest"
)

// chained is a chain of a model on each server, the first named test-model and the others spare, and who wrote in place of the first.
func chained(timeout time.Duration, servers ...*openaitest.Server) (chain *Chain, wrote *[]string) {
	first, told := newTestModel(servers[0], timeout, time.Minute)
	wrote = new([]string)
	chain = &Chain{First: first, OnFallback: func(model string) { *wrote = append(*wrote, model) }}
	for _, s := range servers[1:] {
		spare := Fallback(first.Settings, config.LLMFallback{BaseURL: s.BaseURL(), Model: "spare"})
		chain.Fallbacks = append(chain.Fallbacks, NewOpenAI(spare, "sk-spare", nil, told.observe))
	}
	return chain, wrote
}

// writer is the last model that was asked.
func writer(asked []int) int {
	last := 0
	for i, n := range asked {
		if n > 0 {
			last = i
		}
	}
	return last
}

func TestChainAsksTheNextModelWhenOneIsUnavailable(t *testing.T) {
	t.Parallel()
	filtered := openaitest.Behaviour{Status: 400, Error: openaitest.Error{Code: "content_filter"}}
	tests := []struct {
		name          string
		first, second openaitest.Behaviour
		want          *rag.Kind // of the error; nil for an answer
		wrote         []string
		asked         []int
	}{
		{name: "the first answers", wrote: nil, asked: []int{1, 0, 0}},
		{name: "503", first: openaitest.Behaviour{Status: 503}, wrote: []string{"spare"}, asked: []int{1, 1, 0}},
		{name: "no first token", first: openaitest.Behaviour{Delay: openaitest.Forever}, wrote: []string{"spare"}, asked: []int{1, 1, 0}},
		{
			name: "two are down", first: openaitest.Behaviour{Status: 503}, second: openaitest.Behaviour{Status: 500},
			wrote: []string{"spare"}, asked: []int{1, 1, 1},
		},
		{name: "the question is refused", first: openaitest.Behaviour{Status: 400}, want: rag.ErrLLMRefused, asked: []int{1, 0, 0}},
		{name: "its filter withholds the answer", first: filtered, want: rag.ErrLLMRefused, asked: []int{1, 0, 0}},
		{name: "a fallback's does", first: openaitest.Behaviour{Status: 503}, second: filtered, want: rag.ErrLLMRefused, asked: []int{1, 1, 0}},
		{name: "no key of the first's", first: openaitest.Behaviour{Status: 401}, wrote: []string{"spare"}, asked: []int{1, 1, 0}},
		{
			name: "no JSON", first: openaitest.Behaviour{Fault: openaitest.Malformed, AfterPieces: 1},
			wrote: []string{"spare"}, asked: []int{1, 1, 0},
		},
		{
			name: "a stream that breaks", first: openaitest.Behaviour{Fault: openaitest.Reset, AfterPieces: 2},
			want: rag.ErrLLMUnavailable, asked: []int{1, 0, 0},
		},
		{
			name: "a fallback that breaks in its stream", first: openaitest.Behaviour{Status: 503},
			second: openaitest.Behaviour{Fault: openaitest.Truncate, AfterPieces: 2}, want: rag.ErrLLMBadAnswer, asked: []int{1, 1, 0},
		},
		{
			name: "a fallback that does not take its key", first: openaitest.Behaviour{Status: 503},
			second: openaitest.Behaviour{Status: 401}, wrote: []string{"spare"}, asked: []int{1, 1, 1},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			servers := []*openaitest.Server{openaitest.New(t), openaitest.New(t), openaitest.New(t)}
			servers[0].Always(openaitest.Chat, tt.first)
			servers[1].Always(openaitest.Chat, tt.second)
			servers[0].RequireKey("sk-canary")
			servers[1].RequireKey("sk-spare")
			chain, wrote := chained(9*time.Second, servers...)
			got, err := chain.Generate(t.Context(), testPrompt(), discard)
			if tt.want == nil && err != nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if diff := cmp.Diff(tt.wrote, *wrote); diff != "" {
				t.Errorf("answers of others (-want +got):\n%s", diff)
			}
			if err == nil && (got.Fallback != writer(tt.asked) || (got.Model == "spare") != (tt.wrote != nil)) {
				t.Errorf("of fallback %d, model %s", got.Fallback, got.Model)
			}
			for i, s := range servers {
				asked := s.Requests(openaitest.Chat)
				if len(asked) != tt.asked[i] {
					t.Errorf("model %d was asked %d times, want %d", i, len(asked), tt.asked[i])
				}
				if i > 0 && len(asked) > 0 && asked[0].Chat.Model != "spare" {
					t.Errorf("model %d was asked for %s", i, asked[0].Chat.Model)
				}
			}
		})
	}
}

// TestChainTellsNothingOfAWholeAnswerBeforeItsEnd: so another model writes it when the first breaks off, wherever it does.
func TestChainTellsNothingOfAWholeAnswerBeforeItsEnd(t *testing.T) {
	t.Parallel()
	for name, written := range map[string]string{"a text": "It is two hours.", "after a thought": "hm</think> It is two hours."} {
		first, spare := openaitest.New(t), openaitest.New(t)
		first.Answer(func(openaitest.ChatRequest) string { return written })
		first.Always(openaitest.Chat, openaitest.Behaviour{Fault: openaitest.Truncate, AfterPieces: 4})
		spare.Answer(func(openaitest.ChatRequest) string { return "One hour [1]." })
		chain, wrote := chained(time.Minute, first, spare)
		whole := testPrompt()
		whole.Whole = true
		var told []rag.Piece
		got, err := chain.Generate(t.Context(), whole, func(piece rag.Piece) error { told = append(told, piece); return nil })
		if err != nil || textOf(got) != "One hour [1]." || len(*wrote) != 1 {
			t.Errorf("%s: %q of %v, %v", name, textOf(got), *wrote, err)
		}
		if diff := cmp.Diff(got.Pieces, told); diff != "" {
			t.Errorf("%s: (-pieces +told):\n%s", name, diff)
		}
	}
}

// TestChainCites the unit of a passage that has the words of a statement, as the index's language has them.
func TestChainCites(t *testing.T) {
	t.Parallel()
	server := openaitest.New(t)
	server.Answer(func(openaitest.ChatRequest) string { return "Die Häuser sind da. [1]" })
	for language, want := range map[string]string{"de": "Es war ein Haus.", "en": "Da sind die Leute."} {
		chain, _ := chained(time.Minute, server)
		chain.Analyser = terms.New([]string{language})
		p := testPrompt()
		p.Passages = []rag.Chunk{{ID: "a#0", DocumentID: "a", ContentHash: "1", Text: "Da sind die Leute. Es war ein Haus."}}
		got, err := chain.Generate(t.Context(), p, discard)
		if citations := citationsOf(got); err != nil || len(citations) != 1 || citations[0].Quote != want {
			t.Errorf("%s: %v, %v; want %q", language, citations, err, want)
		}
	}
}

// TestAFallbackGetsWhatItHasRoomFor: its own contextTokens count, else those of the first. The prompt of the first stays what it was.
func TestAFallbackGetsWhatItHasRoomFor(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ first, spare, given int }{
		"less room": {8192, 1024, 1}, "as much": {1024, 0, 1}, "more": {1024, 8192, 2}, "no bound": {0, 0, 2},
	} {
		down, spare := openaitest.New(t), openaitest.New(t)
		down.Always(openaitest.Chat, openaitest.Behaviour{Status: 500})
		first, told := newTestModel(down, time.Minute, time.Minute)
		settings := func() config.LLM {
			llm := first.Settings()
			llm.ContextTokens = test.first
			return llm
		}
		fallback := Fallback(settings, config.LLMFallback{BaseURL: spare.BaseURL(), Model: "spare", ContextTokens: test.spare})
		chain := &Chain{First: first, Fallbacks: []*OpenAI{NewOpenAI(fallback, "", nil, told.observe)}, OnFallback: func(string) {}}
		p := testPrompt()
		p.Passages = []rag.Chunk{
			{ID: "a#0", ContentHash: "1", Text: strings.Repeat("alpha ", 2000)}, {ID: "b#0", ContentHash: "2", Text: "beta"},
		}
		before := p.Passages[0].Text
		spare.Answer(func(openaitest.ChatRequest) string { return "It is beta. [2]" })
		got, err := chain.Generate(t.Context(), p, discard)
		if err != nil || got.Fallback != 1 || got.LeftOut != 2-test.given || p.Passages[0].Text != before {
			t.Errorf("%s: %+v, %v", name, got, err)
			continue
		}
		if citations := citationsOf(got); len(citations) != test.given-1 {
			t.Errorf("%s: %v are cited of %d passages that it was given", name, citations, test.given)
		}
		asked := spare.Requests(openaitest.Chat)[0].Chat
		if has := strings.Contains(asked.Last(), "beta"); has != (test.given == 2) || asked.Model != "spare" {
			t.Errorf("%s: the second passage was given: %t, to %s", name, has, asked.Model)
		}
	}
}

// TestChainDoesNotWaitForAModelThatIsDown: once the first counts as down, a question costs the fallback alone; and while the fallback
// is down, the first is tried again as if it stood alone.
func TestChainDoesNotWaitForAModelThatIsDown(t *testing.T) {
	t.Parallel()
	first, spare := openaitest.New(t), openaitest.New(t)
	first.Always(openaitest.Chat, openaitest.Behaviour{Status: 500})
	chain, wrote := chained(time.Minute, first, spare)
	for range failuresToOpen + 2 {
		if _, err := chain.Generate(t.Context(), testPrompt(), discard); err != nil {
			t.Fatal(err)
		}
	}
	if n := first.Count(openaitest.Chat); n != failuresToOpen || len(*wrote) != failuresToOpen+2 {
		t.Errorf("the first was asked %d times, the fallback wrote %d answers", n, len(*wrote))
	}
	if healthy, asked := chain.Healthy(); !healthy || !asked {
		t.Errorf("healthy %t, asked %t, while the fallback answers", healthy, asked)
	}
}

func TestTheLastModelIsTriedAgain(t *testing.T) {
	t.Parallel()
	first, spare := openaitest.New(t), openaitest.New(t)
	spare.Always(openaitest.Chat, openaitest.Behaviour{Status: 500})
	chain, _ := chained(time.Minute, first, spare)
	for range failuresToOpen {
		_, _ = chain.Fallbacks[0].Generate(t.Context(), testPrompt(), discard)
	}
	first.Script(openaitest.Chat, openaitest.Behaviour{Status: 503})
	if _, err := chain.Generate(t.Context(), testPrompt(), discard); err != nil || first.Count(openaitest.Chat) != 2 {
		t.Errorf("asked %d times: %v", first.Count(openaitest.Chat), err)
	}
}
