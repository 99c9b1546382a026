package quality

import (
	"math"
	"testing"
)

func TestNDCG(t *testing.T) {
	t.Parallel()
	relevant := map[string]bool{"a": true, "b": true}
	for name, test := range map[string]struct {
		ranking []string
		want    float64
	}{
		"ideal":      {[]string{"a", "b", "x"}, 1},
		"nothing":    {nil, 0},
		"none":       {[]string{"x", "y"}, 0},
		"late":       {[]string{"x", "a"}, (1 / math.Log2(3)) / (1 + 1/math.Log2(3))},
		"eleventh":   {[]string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "a"}, 0},
		"first only": {[]string{"b"}, 1 / (1 + 1/math.Log2(3))},
	} {
		if got := NDCG(test.ranking, relevant); math.Abs(got-test.want) > 1e-12 {
			t.Errorf("%s: NDCG is %g, want %g", name, got, test.want)
		}
	}
}
