package rag

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func hits() []Hit {
	return []Hit{
		{Chunk: Chunk{ID: "a#1", DocumentID: "a", URL: "https://a", Span: Span{Start: 100, End: 160},
			Text: "Größe matters. The cache keeps results for one hour."}},
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
		{"two sources", "Results stay one hour [1]. Losing Redis costs speed [2].", []string{"1:The cache keeps results for one hour.",
			"2:Its loss costs speed."}},
		{"two markers for one claim", "The cache keeps results, Redis is not needed to start [1][2].",
			[]string{"1:The cache keeps results for one hour.", "2:Redis is never needed to start."}},
		{"the same place once", "Results stay one hour [1]. One hour for results [1].", []string{"1:The cache keeps results for one hour."}},
		{"another place of the same passage", "Size: Größe matters [1]. Results stay one hour [1].", []string{"1:Größe matters.",
			"1:The cache keeps results for one hour."}},
		{"nothing in common quotes the beginning of the passage", "Unrelated [2].", []string{"2:Redis is never needed to start."}},
		{"a list of numbers", "The cache keeps results, Redis is not needed to start [1, 2].", []string{"1:The cache keeps results for one hour.",
			"2:Redis is never needed to start."}},
		{"a list without spaces", "The cache keeps results, Redis is not needed to start [1,2].",
			[]string{"1:The cache keeps results for one hour.", "2:Redis is never needed to start."}},
		{"of a list what names a passage", "Results stay one hour [1, 7].", []string{"1:The cache keeps results for one hour."}},
		{"wide brackets", "Results stay one hour【1】. Losing Redis costs speed 【2†page】.", []string{"1:The cache keeps results for one hour.",
			"2:Its loss costs speed."}},
		{"full-width brackets", "Results stay one hour［1］. Losing Redis costs speed ［1, 2］.",
			[]string{"1:The cache keeps results for one hour.", "1:Größe matters.", "2:Its loss costs speed."}},
		{"wide brackets glued to another word", "Results stay one hour, said A【1, 2】b.",
			[]string{"1:The cache keeps results for one hour.", "2:Redis is never needed to start."}},
		{"brackets that do not match", "Results stay one hour ［1] and 【1］ and [1】.", nil},
		{"a footnote", "Results stay one hour.[^1]\n\n[^1]: The cache.", []string{"1:The cache keeps results for one hour."}},
		{"at the very end", "Results stay one hour [1]", []string{"1:The cache keeps results for one hour."}},
		{"glued to a word of the claim", "Results stay one hour[1].", []string{"1:The cache keeps results for one hour."}},
		{"glued to a word of another script", "結果は一時間[1]。", []string{"1:Größe matters."}},
		{"an index", "Use argv[1] and os.args[2], or f(x)[1] and a[1][2].", nil},
		{"a link", "See [1](https://example.org) and [1]: there.\n[2]: https://example.org", []string{"1:Größe matters."}},
		{"in code", "Write `x [1]` and ``a ` [2]``.\n\n```\ny [1]\n\nz [2]\n```\n", nil},
		{"behind code", "Results stay `one` hour [1].\n```\nx\n```\nLosing Redis costs speed [2].",
			[]string{"1:The cache keeps results for one hour.", "2:Its loss costs speed."}},
		{"a backquote that nothing closes", "It`s here.\nResults stay one hour [1].", []string{"1:The cache keeps results for one hour."}},
		{"escaped", "x \\[1\\] y", nil},
		{"markers that name no passage", "x [0] y [3] z [99] [1234] [] [a] [ 1 ] [1-2] [1 2] 【a】 [,1]", nil},
		{"an unfinished marker", "Results stay one hour [1", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for size := 1; size <= len(tt.answer); size += 3 { // however the tokens are cut
				citer := NewCiter(chunks(), nil)
				var got []string
				for rest := tt.answer; rest != ""; {
					n := min(size, len(rest))
					for _, c := range citer.Feed(rest[:n]) {
						got = append(got, string(rune('0'+c.Marker))+":"+c.Quote)
					}
					rest = rest[n:]
				}
				for _, c := range citer.Close() {
					got = append(got, string(rune('0'+c.Marker))+":"+c.Quote)
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
	cited := NewCiter(chunks(), nil).Feed("Results stay one hour [1]. ")
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

// An answer streams as it is written: only a piece that may end in a marker waits for the next one.
func TestCitedPiecesAreNotHeldBack(t *testing.T) {
	t.Parallel()
	written := []string{"Results", " stay one hour ", "[1", "]", ". Redis", " [2]"}
	var told []string
	source := generatorFunc(func(_ context.Context, _ Prompt, emit func(Piece) error) (Completion, error) {
		for i, text := range written {
			if err := emit(Piece{Text: text}); err != nil {
				return Completion{}, err
			}
			if i < 2 && len(told) != i+1 {
				t.Errorf("%d pieces were told after %d were written", len(told), i+1)
			}
		}
		return Completion{}, nil
	})
	got, err := WithCitations(source, nil).Generate(t.Context(), Prompt{Passages: chunks()}, func(piece Piece) error {
		told = append(told, piece.Text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(written, told); diff != "" {
		t.Error(diff)
	}
	var markers []int
	for _, piece := range got.Pieces {
		for _, c := range piece.Citations {
			markers = append(markers, c.Marker)
		}
	}
	if diff := cmp.Diff([]int{1, 2}, markers); diff != "" {
		t.Errorf("markers of the citations that are kept: %s", diff)
	}
}

type generatorFunc func(context.Context, Prompt, func(Piece) error) (Completion, error)

func (f generatorFunc) Generate(ctx context.Context, p Prompt, emit func(Piece) error) (Completion, error) {
	return f(ctx, p, emit)
}
