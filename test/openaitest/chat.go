package openaitest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"
)

// ChatRequest is the part of a chat completion request that the server reads.
type ChatRequest struct {
	Model               string    `json:"model"`
	Messages            []Message `json:"messages"`
	Temperature         *float64  `json:"temperature"`
	MaxTokens           *int      `json:"max_tokens"`
	MaxCompletionTokens *int      `json:"max_completion_tokens"`
	Stream              bool      `json:"stream"`
	StreamOptions       *struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
}

// Message is one turn of a chat.
type Message struct {
	Role    string  `json:"role"`
	Content Content `json:"content"`
}

// Content is a message's text. The API also allows a list of parts; their texts are joined.
type Content string

// UnmarshalJSON reads both forms.
func (c *Content) UnmarshalJSON(data []byte) error {
	var text string
	if json.Unmarshal(data, &text) == nil {
		*c = Content(text)
		return nil
	}
	var parts []struct {
		Text string `json:"text"`
	}
	if err := json.Unmarshal(data, &parts); err != nil {
		return err
	}
	for _, part := range parts {
		*c += Content(part.Text)
	}
	return nil
}

// Last is the text of the last message.
func (r ChatRequest) Last() string {
	if len(r.Messages) == 0 {
		return ""
	}
	return string(r.Messages[len(r.Messages)-1].Content)
}

// limit is the most tokens that the request allows; -1 without a limit.
func (r ChatRequest) limit() int {
	for _, limit := range []*int{r.MaxCompletionTokens, r.MaxTokens} {
		if limit != nil {
			return *limit
		}
	}
	return -1
}

func echo(r ChatRequest) string { return "You said: " + r.Last() }

type usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
}

// completion is a finished answer. A token is a word with the blanks before it.
type completion struct {
	model  string
	tokens []string
	// thought is what the model thinks first.
	thought []string
	finish  string
	usage   usage
}

func complete(r ChatRequest, text string) completion {
	c := completion{model: r.Model, tokens: words(text), finish: "stop"}
	if limit := r.limit(); limit >= 0 && len(c.tokens) > limit {
		c.tokens, c.finish = c.tokens[:limit], "length"
	}
	for _, message := range r.Messages {
		c.usage.PromptTokens += len(words(string(message.Content)))
	}
	c.usage.CompletionTokens = len(c.tokens)
	c.usage.TotalTokens = c.usage.PromptTokens + c.usage.CompletionTokens
	return c
}

// words splits a text so that the parts joined are the text again.
func words(text string) []string {
	var parts []string
	start, inWord := 0, false
	for i, r := range text {
		blank := strings.ContainsRune(" \n\t", r)
		if blank && inWord {
			parts = append(parts, text[start:i])
			start = i
		}
		inWord = !blank
	}
	if start < len(text) {
		parts = append(parts, text[start:])
	}
	return parts
}

func (s *Server) chat(w http.ResponseWriter, r *http.Request, request *Request, b Behaviour) bool {
	var chat ChatRequest
	if err := json.Unmarshal(request.Body, &chat); err != nil {
		fail(w, http.StatusBadRequest, "We could not parse the JSON body of your request: "+err.Error())
		return true
	}
	s.mu.Lock()
	request.Chat = chat
	text := s.answer
	s.mu.Unlock()
	if chat.Model == "" || len(chat.Messages) == 0 {
		fail(w, http.StatusBadRequest, "you must provide a model and messages")
		return true
	}
	c := complete(chat, text(chat))
	c.finish, c.thought = cmp.Or(b.Finish, c.finish), words(b.Thought)
	if !chat.Stream {
		return s.deliver(w, r, b, jsonAnswer(c.whole()))
	}
	return s.deliver(w, r, b, c.stream(chat.StreamOptions != nil && chat.StreamOptions.IncludeUsage))
}

func (c completion) whole() map[string]any {
	return map[string]any{
		"id": "chatcmpl-test", "object": "chat.completion", "created": created, "model": c.model,
		"choices": []any{map[string]any{
			"index": 0, "finish_reason": c.finish, "logprobs": nil,
			"message": map[string]any{"role": "assistant", "content": strings.Join(c.tokens, ""), "refusal": nil},
		}},
		"usage": c.usage,
	}
}

func (c completion) stream(withUsage bool) answer {
	a := answer{contentType: "text/event-stream", frame: event}
	add := func(delta map[string]any, finish any) {
		a.pieces = append(a.pieces, c.chunk([]any{map[string]any{"index": 0, "delta": delta, "finish_reason": finish}}, withUsage, nil))
	}
	add(map[string]any{"role": "assistant", "content": ""}, nil)
	for _, token := range c.thought {
		add(map[string]any{"reasoning_content": token}, nil)
	}
	for _, token := range c.tokens {
		add(map[string]any{"content": token}, nil)
	}
	add(map[string]any{}, c.finish)
	if withUsage {
		a.pieces = append(a.pieces, c.chunk([]any{}, true, c.usage))
	}
	a.pieces = append(a.pieces, event([]byte("[DONE]")))
	return a
}

// chunk is one event of a stream. Where usage was asked for, every chunk has the field, null in all but the last.
func (c completion) chunk(choices []any, withUsage bool, used any) []byte {
	chunk := map[string]any{
		"id": "chatcmpl-test", "object": "chat.completion.chunk", "created": created, "model": c.model, "choices": choices,
	}
	if withUsage {
		chunk["usage"] = used
	}
	return event(encodeJSON(chunk))
}

func event(data []byte) []byte {
	return append(append([]byte("data: "), data...), '\n', '\n')
}
