package indexing_test

import (
	"strings"
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/indexing"
)

func TestFirstWords(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, want string }{
		"short":      {"what is a boundary layer?", "what is a boundary layer?"},
		"words":      {strings.Repeat("wing ", indexing.MaxWords+5), strings.Repeat("wing ", indexing.MaxWords)},
		"ideographs": {strings.Repeat("風", indexing.MaxWords+5), strings.Repeat("風", indexing.MaxWords)},
		"one word":   {strings.Repeat("ö", 8000), strings.Repeat("ö", 8000)},
	} {
		if got := indexing.FirstWords(test.text); got != test.want {
			t.Errorf("%s: %d bytes, want %d", name, len(got), len(test.want))
		}
	}
}
