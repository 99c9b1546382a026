package localstore

import (
	"math"
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// Texts of the same length, so that what BM25 says of each is known.
func TestScoresAreThoseOfBM25(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	texts := map[string]string{
		"twice":   "copper river copper garden",
		"both":    "copper silver river garden",
		"once":    "copper meadow river garden",
		"neither": "meadow forest river garden",
		"titled":  "valley forest river garden",
	}
	for id, text := range texts {
		title := ""
		if id == "titled" {
			title = "silver"
		}
		d, err := rag.ChunkAndHash(rag.Document{ID: id, Title: title, Text: text}, rag.RetrievalSettings{ChunkWords: 50})
		if err != nil {
			t.Fatal(err)
		}
		mustWrite(t, s, d)
	}
	leg, _, err := s.Keyword(t.Context(), rag.KeywordQuery{Tenant: "t", Text: "copper silver", Size: 10})
	if err != nil {
		t.Fatal(err)
	}
	rarity := func(holding float64) float64 { return math.Log(1 + (5-holding+0.5)/(holding+0.5)) }
	term := func(frequency float64) float64 { return frequency / (frequency + 1.2) } // of a text of the mean length
	want := map[string]float64{
		"twice":  rarity(3) * term(2),
		"both":   (rarity(3) + rarity(1)) * term(1),
		"once":   rarity(3) * term(1),
		"titled": rag.TitleBoost * rarity(1) * term(1),
	}
	if len(leg.Hits) != len(want) {
		t.Fatalf("found %d passages, want %d", len(leg.Hits), len(want))
	}
	for _, hit := range leg.Hits {
		if math.Abs(hit.Score-want[hit.DocumentID]) > 0.001 {
			t.Errorf("%s scores %.4f, want %.4f", hit.DocumentID, hit.Score, want[hit.DocumentID])
		}
	}
}

// A long text holds a word more cheaply than a short one, by the mean of all lengths.
func TestLongTextsScoreLess(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	long := "copper river garden meadow forest valley harbour bridge tower castle village market"
	for id, text := range map[string]string{"short": "copper river", "long": long} {
		d, err := rag.ChunkAndHash(rag.Document{ID: id, Text: text}, rag.RetrievalSettings{ChunkWords: 50})
		if err != nil {
			t.Fatal(err)
		}
		mustWrite(t, s, d)
	}
	leg, _, err := s.Keyword(t.Context(), rag.KeywordQuery{Tenant: "t", Text: "copper", Size: 10})
	if err != nil || len(leg.Hits) != 2 || leg.Hits[0].DocumentID != "short" || leg.Hits[0].Score < 1.2*leg.Hits[1].Score {
		t.Errorf("found %+v, %v", leg, err)
	}
}
