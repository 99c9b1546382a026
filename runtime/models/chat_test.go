package models

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/config"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/test/openaitest"
)

func TestChatRequestIsOfTheProtocol(t *testing.T) {
	server := openaitest.New(t)
	model, _ := newTestModel(server, 5*time.Second, 5*time.Second)
	prompt := testPrompt()
	prompt.Query = "is a < b && \"c\"?\u2028"
	if _, err := model.Generate(t.Context(), prompt, discard); err != nil {
		t.Fatal(err)
	}
	r := server.Requests(openaitest.Chat)[0]
	asked := r.Chat
	if asked.Model != "test-model" || asked.Temperature == nil || *asked.Temperature != 0.5 || asked.MaxTokens == nil || *asked.MaxTokens != 64 {
		t.Errorf("the model was asked with %+v", asked)
	}
	if !asked.Stream || asked.StreamOptions == nil || !asked.StreamOptions.IncludeUsage {
		t.Errorf("no stream with its usage was asked for: %+v", asked)
	}
	var got []string
	for _, m := range asked.Messages {
		got = append(got, m.Role+": "+string(m.Content))
	}
	var want []string
	for _, m := range prompt.Messages() {
		want = append(want, m.Role+": "+m.Content)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
	if !strings.Contains(string(r.Body), "a < b && ") {
		t.Errorf("characters are escaped that need not be: %s", r.Body)
	}
}

// Servers write the same protocol in many ways.
func TestChunksOfManyServersAreRead(t *testing.T) {
	t.Parallel()
	const stop = `{"choices": [{"delta": {}, "finish_reason": "stop"}]}`
	tests := []struct {
		name   string
		chunks []string
		want   string
		usage  rag.Usage
		bad    bool
	}{
		{name: "all fields null", want: "Yes.", chunks: []string{`{"choices": null, "usage": null}`, `{"choices": [{"delta": null, "finish_reason": null}]}`,
			`{"choices": [{"delta": {"role": "assistant", "content": null, "reasoning": null}}]}`, `{"choices": [{"delta": {"content": "Yes."}}]}`, stop}},
		{name: "counts with a decimal point, in each event", want: "Yes.", usage: rag.Usage{PromptTokens: 12, CompletionTokens: 4},
			chunks: []string{`{"choices": [{"delta": {"content": "Yes."}}], "usage": {"prompt_tokens": 12.0, "completion_tokens": 1.0, "total_tokens": 13.0}}`,
				stop, `{"choices": [], "usage": {"prompt_tokens": 12.0, "completion_tokens": 4.0, "total_tokens": 16.0}}`}},
		{name: "thoughts of another form", want: "Yes.", chunks: []string{`{"choices": [{"delta": {"reasoning": {"steps": [1]}}}]}`,
			`{"choices": [{"delta": {"content": "Yes."}}]}`, stop}},
		{name: "a content that is no text", bad: true, chunks: []string{`{"choices": [{"delta": {"content": [{"type": "text", "text": "Yes."}]}}]}`, stop}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				for _, chunk := range append(tt.chunks, "[DONE]") {
					_, _ = fmt.Fprintf(w, "data: %s\n\n", chunk)
				}
			}))
			t.Cleanup(server.Close)
			llm := config.LLM{BaseURL: server.URL, Timeout: config.Duration(time.Minute), IdleTimeout: config.Duration(time.Minute)}
			model := NewOpenAI(func() config.LLM { return llm }, "", nil, (&outcomes{}).observe)
			got, err := model.Generate(t.Context(), testPrompt(), discard)
			if tt.bad {
				if rag.KindOf(err) != rag.ErrLLMBadAnswer {
					t.Errorf("got %+v and %v", got, err)
				}
				return
			}
			if err != nil || textOf(got) != tt.want || got.Usage != tt.usage {
				t.Errorf("got %+v and %v", got, err)
			}
		})
	}
}
