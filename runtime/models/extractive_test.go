package models

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// extract answers from passages of documents of their own, in an index of a hundred passages that has each word of the
// question in ten.
func extract(t *testing.T, query string, maxTokens int, passages ...string) rag.Completion {
	t.Helper()
	p := rag.Prompt{Query: query, Model: rag.ExtractiveModel, MaxTokens: maxTokens, Statistics: rag.Statistics{Chunks: 100, Holding: map[string]int{}}}
	for _, term := range english.Query(query) {
		p.Statistics.Holding[term.Text] = 10
	}
	for n, text := range passages {
		id := string(rune('a' + n))
		p.Passages = append(p.Passages, rag.Chunk{ID: id + "#0", DocumentID: id, Text: text, Span: rag.Span{Start: 1000}})
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

func textOf(c rag.Completion) string {
	var text strings.Builder
	for _, piece := range c.Pieces {
		text.WriteString(piece.Text)
	}
	return text.String()
}

func citationsOf(c rag.Completion) []rag.Citation {
	var all []rag.Citation
	for _, piece := range c.Pieces {
		all = append(all, piece.Citations...)
	}
	return all
}

func TestExtractive(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
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
		{"a fragment when there is nothing else", "port 8080?", []string{"Port 8080"}, "Port 8080 [1]"},
		{"the sentence under the heading that asks", "What happens when Redis is lost?",
			[]string{"# Redis\n\nThe password is drawn once and kept in a Secret.\n\n## When Redis is lost\n\nNothing is lost for good: results are worked out anew.\n"},
			"Nothing is lost for good: results are worked out anew. [1]"},
		{"the same sentence of two passages once", "What does the loss of Redis cost?",
			[]string{"The loss of Redis costs speed, not answers.", "The loss of Redis costs speed, not answers."},
			"The loss of Redis costs speed, not answers. [1]"},
		{
			"a heading that asks", "How can I reset a password?",
			[]string{"## How do I reset my password?\n\nFollow the link in the mail. It works for an hour.\n\n## How do I change a colour?\n\nAsk in a shop."},
			"Follow the link in the mail. [1]",
		},
		{
			"a bold line that asks", "How can I reset a password?",
			[]string{"**How do I reset my password?**\n\nFollow the link in the mail.\n\n**How do I change a colour?**\n\nAsk in a shop."},
			"Follow the link in the mail. [1]",
		},
		{"a heading that asks something else", "How do I reset the clock of the tower?", []string{"## How do I reset my password?\n\nFollow the link in the mail."}, rag.NothingFound},
		{"a heading is no answer", "Where is the garden of the palace?", []string{"# The garden of the palace\n\nIt opens at nine."}, rag.NothingFound},
		{"one word of many", "Which frog sings at the edge of the northern lake?", []string{"The lake is deep."}, rag.NothingFound},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, textOf(extract(t, tt.query, 100, tt.passages...))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestExtractiveCitesWhatItQuotes(t *testing.T) {
	t.Parallel()
	texts := []string{
		"Über uns. Search results are cached for one hour. Largo: results of a search expire.",
		"The cached results of a search are kept in Redis for an hour. \u0414\u0430.",
	}
	got := extract(t, "How long are search results cached?", 100, texts...)
	cited := citationsOf(got)
	if len(cited) < 2 {
		t.Fatalf("cited %+v of %q", cited, textOf(got))
	}
	next := 1
	for _, c := range cited {
		text := texts[c.DocumentID[0]-'a']
		if quoted := string([]rune(text)[c.Span.Start-1000 : c.Span.End-1000]); quoted != c.Quote {
			t.Errorf("the span holds %q, the quote says %q", quoted, c.Quote)
		}
		if !strings.Contains(textOf(got), c.Quote) {
			t.Errorf("%q is not in the answer", c.Quote)
		}
		if c.Marker > next {
			t.Errorf("marker %d before marker %d", c.Marker, next)
		}
		next = max(next, c.Marker+1)
	}
}

// The passage of the best unit is named first, whatever its place, and as [1].
func TestExtractiveNumbersMarkersAsTheyAppear(t *testing.T) {
	t.Parallel()
	got := extract(t, "How long are search results cached?", 100, "Nothing is said here of a search.", "Search results are cached for one hour.")
	if cited := citationsOf(got); len(cited) != 1 || cited[0].Marker != 1 || cited[0].DocumentID != "b" {
		t.Errorf("%q cites %+v", textOf(got), cited)
	}
}

func TestExtractiveIsBounded(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a long word":     "cached results " + strings.Repeat("x", 5000),
		"a long sentence": strings.Repeat("search results are cached and ", 500),
		"many sentences":  strings.Repeat("Search results are cached. Cached results are searched, they say, by results. ", 200),
		"many rows":       "| results | cached |\n|---|---|\n" + strings.Repeat("| search results | cached |\n", 200),
		"a wide table": strings.Repeat("| search results cached ", 100) + "|\n" + strings.Repeat("|---",
			100) + "|\n" + strings.Repeat("| search results cached ", 100) + "|\n",
		"Chinese, no stop": strings.Repeat("搜索结果缓存一小时", 500),
	} {
		query := "search results cached"
		if strings.HasPrefix(name, "Chinese") {
			query = "搜索结果缓存"
		}
		got := extract(t, query, 2000, text)
		if n := utf8.RuneCountInString(textOf(got)); n > maxAnswer || len(citationsOf(got)) == 0 {
			t.Errorf("%s: %d characters, %d citations", name, n, len(citationsOf(got)))
		}
	}
}

func TestExtractiveEndsAtMaxTokens(t *testing.T) {
	t.Parallel()
	got := extract(t, "results cached", 3, "Search results are cached for one hour.")
	if len(got.Pieces) != 3 || got.FinishReason != "length" || len(citationsOf(got)) != 0 {
		t.Errorf("got %+v", got)
	}
}

// BenchmarkExtractive answers from five passages of the default length, as an uncached ask does.
func BenchmarkExtractive(b *testing.B) {
	p := rag.Prompt{Query: "How long are search results cached by the server?", Model: rag.ExtractiveModel, MaxTokens: 1024,
		Statistics: rag.Statistics{Chunks: 1000, Holding: map[string]int{}}}
	for _, term := range english.Query(p.Query) {
		p.Statistics.Holding[term.Text] = 50
	}
	text := "# Cache\n\n" + strings.Repeat("Limits protect the server from load. Pods are started again when a probe of theirs has failed.\n\n", 36) + "Search results are cached for one hour."
	for n := range 5 {
		id := string(rune('a' + n))
		chunks := rag.Split(rag.Document{ID: id, Title: "Server", Text: text}, 600, 100)
		p.Passages = append(p.Passages, chunks[0])
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (Extractive{}).Generate(b.Context(), p, func(rag.Piece) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

// TestExtractiveLeavesTheHeadingBefore has a passage begin under a heading that asks, and go on under another: what stands
// under that one is not what was asked for.
func TestExtractiveLeavesTheHeadingBefore(t *testing.T) {
	t.Parallel()
	const text = "It goes into the map of the server.\n\n## How a deleted document stays away\n\nA server that was killed is ended by another server.\n"
	chunk := rag.Chunk{ID: "a#0", DocumentID: "a", Text: text, Heading: "Architecture > How a settings change reaches a server"}
	p := rag.Prompt{
		Query: "How does a settings change reach a server?", Model: rag.ExtractiveModel, MaxTokens: 100, Passages: []rag.Chunk{chunk},
		Statistics: rag.Statistics{Chunks: 100, Holding: map[string]int{}},
	}
	got, err := Extractive{}.Generate(t.Context(), p, func(rag.Piece) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("It goes into the map of the server. [1]", textOf(got)); diff != "" {
		t.Error(diff)
	}
}

// A name of a question in Japanese is one word, and an everyday word in it is several pairs of characters.
func TestExtractiveWeighsNamesAmongPairs(t *testing.T) {
	t.Parallel()
	got := extract(t, "wipefs はファイルをどこに保存しますか", 100,
		"ファイルは倉庫に保存します。", "wipefs はファイルの写しを /tmp に置きます。")
	if cited := citationsOf(got); len(cited) == 0 || cited[0].DocumentID != "b" {
		t.Errorf("%q cites %+v first", textOf(got), cited)
	}
}
