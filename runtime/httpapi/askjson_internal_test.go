package httpapi

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// FuzzAskAnswer has the answer as it is sent and as encoding/json writes it say the same.
func FuzzAskAnswer(f *testing.F) {
	for _, text := range []string{"", "plain", "naïve 漢字 🎓", "\"quoted\" \\ <b> & \u2028", "\x00\n\t\x7f", "broken \xff"} {
		f.Add(text, text, 0.5, 7)
	}
	for _, score := range []float64{0, math.Copysign(0, -1), 12, 1e-7, 123456.789, 1e21, math.MaxFloat64, math.SmallestNonzeroFloat64} {
		f.Add("t", "", score, -1)
	}
	f.Fuzz(func(t *testing.T, text, other string, score float64, n int) {
		if math.IsNaN(score) || math.IsInf(score, 0) {
			t.Skip("JSON has no such number")
		}
		cited := rag.Citation{Marker: n, ChunkID: text, DocumentID: other, Title: other, URL: text, Score: score, Span: rag.Span{Start: n, End: n}, Quote: text}
		for _, a := range []*askAnswer{
			{Query: text, Answer: other, Citations: []rag.Citation{}, Sources: []string{}, Cached: n > 0},
			{
				Query: other, Answer: text, Citations: []rag.Citation{cited, {Score: score}}, Sources: []string{text, other}, ChunksUsed: n, SearchMode: text,
				Model: other, Usage: usage{PromptTokens: n, CompletionTokens: n}, FinishReason: text, TraceID: other,
			},
		} {
			want, err := json.Marshal(a)
			if err != nil {
				t.Fatal(err)
			}
			got, err := encode(a)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(read(t, want), read(t, got)); diff != "" {
				t.Errorf("(-encoding/json +sent):\n%s", diff)
			}
		}
	})
}

func read(t *testing.T, data []byte) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
	return v
}

func TestAnswerWithoutANumberForAScoreIsAnError(t *testing.T) {
	t.Parallel()
	if line, err := encode(&askAnswer{Citations: []rag.Citation{{Score: math.NaN()}}}); err == nil || len(line) > 0 {
		t.Errorf("%v, %q: want an error and nothing", err, line)
	}
}

// TestIsPlain has each byte at each place of the words that are looked at as one.
func TestIsPlain(t *testing.T) {
	t.Parallel()
	for place := range 20 {
		for c := range 256 {
			text := []byte("Pressure at the nose")
			text[place] = byte(c)
			if got, want := isPlain(string(text)), c >= ' ' && c < 0x80 && c != '"' && c != '\\'; got != want {
				t.Errorf("%q: %t, want %t", text, got, want)
			}
		}
	}
	if !isPlain("naïve 漢字 among plain words 🎓 and after them") {
		t.Error("text beyond ASCII needs no escape")
	}
}
