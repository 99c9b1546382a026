package rag

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplit(t *testing.T) {
	tests := []struct {
		name           string
		text           string
		words, overlap int
		want           []string
	}{
		{"one passage", "a b c", 5, 2, []string{"a b c"}},
		{"white space around is not text", "  a b\n", 5, 2, []string{"a b"}},
		{"neighbours share words", "a b c d e f", 4, 2, []string{"a b c d", "c d e f"}},
		{"no overlap", "a b c d e", 2, 0, []string{"a b", "c d", "e"}},
		{"ends with the sentence in the last fifth", "1 2 3 4 5 6 7 8 nine. 10 11 12", 10, 0, []string{"1 2 3 4 5 6 7 8 nine.", "10 11 12"}},
		{"a sentence that does not fit is not cut", "One. Two 3 4 5 6 7 8 9 10 11", 10, 0, []string{"One.", "Two 3 4 5 6 7 8 9 10 11"}},
		{"spans count characters, not bytes", "äöü ß 語 d", 2, 0, []string{"äöü ß", "語 d"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			chunks := Split(Document{ID: "d", Text: tt.text}, tt.words, tt.overlap)
			var got []string
			runes := []rune(tt.text)
			for _, c := range chunks {
				got = append(got, c.Text)
				if quoted := string(runes[c.Span.Start:c.Span.End]); quoted != c.Text {
					t.Errorf("span of %s is %q, its text %q", c.ID, quoted, c.Text)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("passages (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSplitLosesNoWordAndEnds(t *testing.T) {
	text := strings.Repeat("alpha beta. gamma delta epsilon zeta! eta ", 200)
	for _, size := range []struct{ words, overlap int }{{20, 10}, {20, 0}, {21, 7}, {600, 100}} {
		chunks := Split(Document{ID: "d", Text: text}, size.words, size.overlap)
		covered := 0
		for _, c := range chunks {
			if c.Span.Start > covered && strings.TrimSpace(text[covered:c.Span.Start]) != "" {
				t.Fatalf("words=%d overlap=%d: %q is in no passage", size.words, size.overlap, text[covered:c.Span.Start])
			}
			if n := len(strings.Fields(c.Text)); n > size.words {
				t.Fatalf("a passage has %d words, more than %d", n, size.words)
			}
			covered = c.Span.End
		}
		if rest := strings.TrimSpace(text[covered:]); rest != "" {
			t.Fatalf("words=%d overlap=%d: the end %q is in no passage", size.words, size.overlap, rest)
		}
	}
}

func TestHashChangesWithEverythingThatIsStored(t *testing.T) {
	base := Document{ID: "d", Title: "t", URL: "u", Text: "x y", Metadata: Metadata{"a": "b"}}
	settings := RetrievalSettings{ChunkWords: 20, ChunkOverlap: 2}
	hash := func(d Document, s RetrievalSettings) string {
		t.Helper()
		c, err := ChunkAndHash(d, s)
		if err != nil {
			t.Fatal(err)
		}
		return c.Hash
	}
	seen := map[string]string{hash(base, settings): "base"}
	for name, change := range map[string]func(d *Document, s *RetrievalSettings){
		"id":       func(d *Document, _ *RetrievalSettings) { d.ID = "e" },
		"title":    func(d *Document, _ *RetrievalSettings) { d.Title = "tu" },
		"url":      func(d *Document, _ *RetrievalSettings) { d.Title, d.URL = "tu", "" }, // the same letters, cut elsewhere
		"text":     func(d *Document, _ *RetrievalSettings) { d.Text = "x y " },
		"metadata": func(d *Document, _ *RetrievalSettings) { d.Metadata = Metadata{"a": "c"} },
		"words":    func(_ *Document, s *RetrievalSettings) { s.ChunkWords = 21 },
		"overlap":  func(_ *Document, s *RetrievalSettings) { s.ChunkOverlap = 3 },
	} {
		d, s := base, settings
		change(&d, &s)
		h := hash(d, s)
		if other, dup := seen[h]; dup {
			t.Errorf("a change of %s gives the hash of %s", name, other)
		}
		seen[h] = name
	}
}

// Text without spaces has few words; what neighbours share is bounded in characters too.
func TestSplitSharesLittleOfTextWithoutSpaces(t *testing.T) {
	for name, text := range map[string]string{
		"one run": strings.Repeat("a", 100_000),
		"Chinese": strings.Repeat("年休二十天。申请必须提前一周提交。", 6_000),
	} {
		total := 0
		for _, c := range Split(Document{ID: "d", Text: text}, 600, 100) {
			total += len(c.Text)
		}
		if total > len(text)*3/2 {
			t.Errorf("%s: %d bytes of chunks of %d bytes", name, total, len(text))
		}
	}
}
