package quality

import "math"

// depth is the 10 of nDCG@10.
const depth = 10

// NDCG is the normalised discounted cumulative gain of the first ten of a ranking, with binary relevance: 1 when
// relevant documents fill the first places, 0 when there is none.
func NDCG(ranking []string, relevant map[string]bool) float64 {
	var gain, ideal float64
	for i, id := range ranking[:min(depth, len(ranking))] {
		if relevant[id] {
			gain += discount(i)
		}
	}
	for i := range min(depth, len(relevant)) {
		ideal += discount(i)
	}
	if ideal == 0 {
		return 0
	}
	return gain / ideal
}

func discount(place int) float64 { return 1 / math.Log2(float64(place+2)) }
