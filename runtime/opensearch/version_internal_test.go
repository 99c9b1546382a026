package opensearch

import "testing"

// A server makes the index of an older version anew, or of other languages, and never that of a newer one.
func TestRebuilds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		found, own string
		want       bool
	}{
		{"2-1-en", "2-1-en", false}, {"2-1-en", "2-1-de", true}, {"2-1-en", "2-2-en", true}, {"2-2-en", "2-1-en", false},
		{"1-9-en", "2-1-en", true}, {"3-1-en", "2-9-en", false}, {"2-10-en", "2-9-en", false}, {"2-9-en", "2-10-en", true},
		{"2", "2-1-en", true}, {"", "2-1-en", true},
	} {
		if got := rebuilds(test.found, test.own); got != test.want {
			t.Errorf("an index of %q is rebuilt by a server of %q: %t, want %t", test.found, test.own, got, test.want)
		}
	}
}
