package terms_test

import (
	"strings"
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/terms"
)

func TestFirstWords(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, want string }{
		"short":      {"what is a boundary layer?", "what is a boundary layer?"},
		"words":      {strings.Repeat("wing ", terms.MaxWords+5), strings.Repeat("wing ", terms.MaxWords)},
		"ideographs": {strings.Repeat("風", terms.MaxWords+5), strings.Repeat("風", terms.MaxWords)},
		"one word":   {strings.Repeat("ö", 8000), strings.Repeat("ö", 8000)},
	} {
		if got := terms.FirstWords(test.text); got != test.want {
			t.Errorf("%s: %d bytes, want %d", name, len(got), len(test.want))
		}
	}
}
