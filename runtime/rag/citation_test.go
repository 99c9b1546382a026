package rag

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func hits() []Hit {
	return []Hit{
		{Chunk: Chunk{ID: "a#1", DocumentID: "a", URL: "https://a", Span: Span{Start: 100, End: 160}, Text: "Größe matters. The cache keeps results for one hour."}},
		{Chunk: Chunk{ID: "b#0", DocumentID: "b", Text: "Redis is never needed to start. Its loss costs speed."}},
	}
}

func chunks() []Chunk { return []Chunk{hits()[0].Chunk, hits()[1].Chunk} }

func TestCiter(t *testing.T) {
	tests := []struct {
		name   string
		answer string
		want   []string // marker:quote
	}{
		{"the sentence that supports the claim", "Results are kept an hour [1].", []string{"1:The cache keeps results for one hour."}},
		{"two sources", "Results stay one hour [1]. Losing Redis costs speed [2].", []string{"1:The cache keeps results for one hour.", "2:Its loss costs speed."}},
		{"two markers for one claim", "The cache keeps results, Redis is not needed to start [1][2].", []string{"1:The cache keeps results for one hour.", "2:Redis is never needed to start."}},
		{"the same place once", "Results stay one hour [1]. One hour for results [1].", []string{"1:The cache keeps results for one hour."}},
		{"another place of the same passage", "Size: Größe matters [1]. Results stay one hour [1].", []string{"1:Größe matters.", "1:The cache keeps results for one hour."}},
		{"nothing in common quotes the passage", "Unrelated [2].", []string{"2:Redis is never needed to start. Its loss costs speed."}},
		{"markers that name no passage", "x [0] y [3] z [99] [1234] [] [a] [ 1 ]", nil},
		{"an unfinished marker", "Results stay one hour [1", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for size := 1; size <= len(tt.answer); size += 3 { // however the tokens are cut
				citer := NewCiter(chunks())
				var got []string
				for rest := tt.answer; rest != ""; {
					n := min(size, len(rest))
					for _, c := range citer.Feed(rest[:n]) {
						got = append(got, string(rune('0'+c.Marker))+":"+c.Quote)
					}
					rest = rest[n:]
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Fatalf("tokens of %d bytes (-want +got):\n%s", size, diff)
				}
			}
		})
	}
}

func TestCitationSpanIsOfTheDocument(t *testing.T) {
	document := strings.Repeat(".", 100) + hits()[0].Text
	cited := NewCiter(chunks()).Feed("Results stay one hour [1].")
	if len(cited) != 1 {
		t.Fatalf("got %d citations, want 1", len(cited))
	}
	if quoted := string([]rune(document)[cited[0].Span.Start:cited[0].Span.End]); quoted != cited[0].Quote {
		t.Errorf("the span holds %q, the quote says %q", quoted, cited[0].Quote)
	}
}

func TestSources(t *testing.T) {
	got := sources([]Citation{{DocumentID: "b"}, {DocumentID: "a", URL: "https://a"}, {DocumentID: "b"}})
	if diff := cmp.Diff([]string{"b", "https://a"}, got); diff != "" {
		t.Error(diff)
	}
}
