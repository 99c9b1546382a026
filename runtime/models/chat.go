package models

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// chatRequest and chatChunk are of the chat API what the server sends and reads. (The client library's types take five times as long, for
// each token of an answer.)
type chatRequest struct {
	Model         string        `json:"model"`
	Messages      []chatMessage `json:"messages"`
	Temperature   float64       `json:"temperature"`
	MaxTokens     int           `json:"max_tokens"`
	Stream        bool          `json:"stream"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
}

type chatMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// newChatRequest is a prompt as JSON.
func newChatRequest(p rag.Prompt) ([]byte, error) {
	r := chatRequest{Model: p.Model, Temperature: p.Temperature, MaxTokens: p.MaxTokens, Stream: true}
	r.StreamOptions.IncludeUsage = true
	for _, m := range p.Messages() {
		r.Messages = append(r.Messages, chatMessage(m))
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // < and & stay one byte
	if err := encoder.Encode(r); err != nil {
		return nil, fmt.Errorf("encode a prompt: %w", err)
	}
	return body.Bytes(), nil
}

// chatChunk is an event of a stream.
type chatChunk struct {
	Choices []struct {
		Delta        chatDelta `json:"delta"`
		FinishReason string    `json:"finish_reason"`
	} `json:"choices"`
	// Usage has its numbers as some servers write them, with a decimal point.
	Usage struct {
		PromptTokens     float64 `json:"prompt_tokens"`
		CompletionTokens float64 `json:"completion_tokens"`
		TotalTokens      float64 `json:"total_tokens"`
	} `json:"usage"`
}

// chatDelta is a piece of an answer. What the model thinks stands in the fields that servers have for it, in whatever form.
type chatDelta struct {
	Content          string          `json:"content"`
	ReasoningContent json.RawMessage `json:"reasoning_content"`
	Reasoning        json.RawMessage `json:"reasoning"`
}

// hasThought says whether a piece is of what the model thinks. It is no part of the answer, but it shows that the model is at work.
func (d *chatDelta) hasThought() bool {
	for _, raw := range []json.RawMessage{d.ReasoningContent, d.Reasoning} {
		if len(raw) > 2 && string(raw) != "null" { // more than ""
			return true
		}
	}
	return false
}
