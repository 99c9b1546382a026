package rag

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// answering are ports that find hits() in a degraded search and write what completion says; asked is the prompt.
func answering(completion Completion, asked *Prompt) *ports {
	return &ports{
		retrieve: func(Query) (Retrieval, error) {
			return Retrieval{Hits: hits(), Total: 2, Mode: ModeKeyword, Degraded: true}, nil
		},
		generate: func(_ context.Context, p Prompt, emit func(Piece) error) (Completion, error) {
			if asked != nil {
				*asked = p
			}
			return completion, emit(Piece{Text: "Results stay one hour [1]."})
		},
	}
}

func TestAnswerTellsWhatTheRetrievalAndTheModelDid(t *testing.T) {
	written := Completion{Model: "m-2", FinishReason: "length", Usage: Usage{PromptTokens: 40, CompletionTokens: 2},
		Cache: CacheInfo{Outcome: CacheMiss}}
	cached := written
	cached.Cache = CacheInfo{Outcome: CacheHit, Age: time.Minute}
	for name, tt := range map[string]struct {
		completion   Completion
		usage, saved Usage
	}{
		"an answer that was written":  {written, written.Usage, Usage{}},
		"an answer that was cached":   {cached, Usage{}, written.Usage},
		"an answer without its usage": {Completion{Model: "m-2", FinishReason: "length"}, Usage{}, Usage{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := answering(tt.completion, nil).service(testSettings).Ask(t.Context(), Identity{}, AskRequest{Query: "x"}, RequestOptions{})
			if err != nil {
				t.Fatal(err)
			}
			want := Answer{
				Query: "x", Text: "Results stay one hour [1].", Sources: []string{"https://a"}, ChunksUsed: 2,
				Mode: ModeKeyword, Degraded: true, Model: "m-2", FinishReason: "length", Usage: tt.usage, Saved: tt.saved,
				Cached: tt.completion.Cache.Outcome == CacheHit, Cache: tt.completion.Cache,
			}
			got.Citations = nil
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCitationsHaveTheScoreOfThisRequestsPassage(t *testing.T) {
	p := answering(Completion{}, nil)
	p.retrieve = func(Query) (Retrieval, error) {
		scored := hits()
		scored[0].Score, scored[1].Score = 7.5, 2.5
		return Retrieval{Hits: scored}, nil
	}
	got, err := p.service(testSettings).Ask(t.Context(), Identity{}, AskRequest{Query: "x"}, RequestOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Citations) != 1 || got.Citations[0].Score != 7.5 {
		t.Errorf("got %+v, want one citation of score 7.5", got.Citations)
	}
}

func TestPromptTakesTheRequestsOwnParameters(t *testing.T) {
	settings := testSettings
	settings.Model = ModelSettings{Name: "m", BaseURL: "http://m", Temperature: 0.2, MaxTokens: 100}
	warm, few := 1.5, 7
	for name, tt := range map[string]struct {
		request     AskRequest
		temperature float64
		maxTokens   int
	}{
		"those of the service":  {AskRequest{Query: "x"}, 0.2, 100},
		"those of the request":  {AskRequest{Query: "x", Temperature: &warm, MaxTokens: &few}, 1.5, 7},
		"a temperature alone":   {AskRequest{Query: "x", Temperature: &warm}, 1.5, 100},
		"a number of tokens":    {AskRequest{Query: "x", MaxTokens: &few}, 0.2, 7},
		"a temperature of zero": {AskRequest{Query: "x", Temperature: new(float64)}, 0, 100},
	} {
		t.Run(name, func(t *testing.T) {
			var asked Prompt
			if _, err := answering(Completion{}, &asked).service(settings).Ask(t.Context(), Identity{Tenant: "acme", Groups: []string{"law", "board"}}, tt.request,
				RequestOptions{}); err != nil {
				t.Fatal(err)
			}
			want := Prompt{
				Tenant: "acme", Readers: []string{"", "board", "law"}, Query: "x", Passages: chunks(), Model: "m", BaseURL: "http://m",
				Temperature: tt.temperature, MaxTokens: tt.maxTokens, Whole: true,
			}
			if diff := cmp.Diff(want, asked); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A stream's tokens may come for longer than an ask may take: the generator bounds the first token and each gap.
func TestStreamIsNotBoundedByTheModelsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		settings := testSettings
		settings.Model = ModelSettings{Name: "m", Timeout: 30 * time.Second}
		p := &ports{
			retrieve: func(Query) (Retrieval, error) { return Retrieval{Hits: hits()}, nil },
			generate: func(ctx context.Context, _ Prompt, emit func(Piece) error) (Completion, error) {
				for range 10 {
					select {
					case <-time.After(10 * time.Second):
					case <-ctx.Done():
						return Completion{}, context.Cause(ctx)
					}
					if err := emit(Piece{Text: "x"}); err != nil {
						return Completion{}, err
					}
				}
				return Completion{}, nil
			},
		}
		got, err := p.service(settings).Stream(t.Context(), Identity{}, AskRequest{Query: "x"}, RequestOptions{}, StreamEvents{
			Meta:     func(StreamMeta) error { return nil },
			Token:    func(string) error { return nil },
			Citation: func(Citation) error { return nil },
		})
		if err != nil || got.Text != "xxxxxxxxxx" {
			t.Errorf("%q, %v", got.Text, err)
		}
	})
}
