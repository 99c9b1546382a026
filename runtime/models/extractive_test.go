package models

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

func extract(t *testing.T, query string, maxTokens int, passages ...string) rag.Completion {
	t.Helper()
	p := rag.Prompt{Query: query, Model: rag.ExtractiveModel, MaxTokens: maxTokens}
	for _, text := range passages {
		p.Passages = append(p.Passages, rag.Chunk{Text: text})
	}
	var streamed []rag.Piece
	got, err := Extractive{}.Generate(t.Context(), p, func(piece rag.Piece) error { streamed = append(streamed, piece); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(got.Pieces, streamed); diff != "" {
		t.Errorf("what was streamed is not what was returned:\n%s", diff)
	}
	return got
}

// textOf is the whole answer.
func textOf(c rag.Completion) string {
	var text strings.Builder
	for _, token := range c.Pieces {
		text.WriteString(token.Text)
	}
	return text.String()
}

func TestExtractive(t *testing.T) {
	tests := []struct {
		name     string
		query    string
		passages []string
		want     string
	}{
		{"the sentence that answers", "How long are search results cached?",
			[]string{"# Cache\n\nLimits protect the service from load. Search results are cached for one hour. Pods are restarted on failure of a probe."},
			"Search results are cached for one hour. [1]"},
		{"the passage's own brackets are no citations", "What does the marker name?",
			[]string{"The marker [2] names the second passage of the list."}, "The marker (2) names the second passage of the list. [1]"},
		{"a fragment when there is nothing else", "port?", []string{"Port 8080"}, "Port 8080 [1]"},
		{"the sentence under the heading that asks", "What happens when Redis is lost?",
			[]string{"# Redis\n\nThe password is drawn once and kept in a Secret.\n\n## When Redis is lost\n\nResults are worked out anew, and nobody waits longer.\n\n```\nredis is lost happens\n```"},
			"Results are worked out anew, and nobody waits longer. [1]"},
		{"the same sentence of two passages once", "What is lost with Redis?",
			[]string{"The loss of Redis costs speed, not answers.", "The loss of Redis costs speed, not answers."}, "The loss of Redis costs speed, not answers. [1]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := extract(t, tt.query, 100, tt.passages...)
			if diff := cmp.Diff(tt.want, textOf(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestExtractiveEndsAtMaxTokens(t *testing.T) {
	got := extract(t, "results", 3, "Search results are cached for one hour.")
	if len(got.Pieces) != 3 || got.FinishReason != "length" {
		t.Errorf("got %+v", got)
	}
}
