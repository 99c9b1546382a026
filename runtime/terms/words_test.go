package terms_test

import (
	"slices"
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/terms"
)

func TestStopWordsAreWords(t *testing.T) {
	t.Parallel()
	words := slices.Sorted(slices.Values(terms.StopWords()))
	if unique := slices.Compact(slices.Clone(words)); len(unique) != len(words) {
		t.Error("a stop word is listed twice")
	}
	for _, word := range []string{"the", "what", "don't"} {
		if !slices.Contains(words, word) {
			t.Errorf("%q is missing", word)
		}
	}
}
