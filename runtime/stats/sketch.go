package stats

import (
	"cmp"
	"slices"

	"github.com/ragservice/ragservice-operator/runtime/logging"
)

// tracked is how many queries a sketch counts.
const tracked = 50

// TopQuery is a query that was asked often. What it is called is what logQueries lets be told of it.
type TopQuery struct {
	Hash string `json:"h"`
	Text string `json:"t,omitempty"`
	// Count is how often it was asked, by at most Error too many.
	Count int64 `json:"c"`
	Error int64 `json:"e,omitempty"`
}

// sketch counts the queries that are asked most, in bounded memory, by the algorithm Space-Saving (Metwally, Agrawal and El Abbadi, 2005):
// a query that is not counted takes the place of the one with the lowest count, and its count too, which is how much it may be too high.
// All that were asked more often than one in tracked times are counted. The zero value has counted none.
type sketch struct {
	queries []TopQuery
	at      map[string]int // by hash
}

func (s *sketch) note(q logging.Query) {
	if i, ok := s.at[q.Hash]; ok {
		s.queries[i].Count++
		s.queries[i].Text = q.Text // gone when it may be told no more
		return
	}
	if len(s.queries) < tracked {
		if s.at == nil {
			s.at = make(map[string]int, tracked)
		}
		s.at[q.Hash] = len(s.queries)
		s.queries = append(s.queries, TopQuery{Hash: q.Hash, Text: q.Text, Count: 1})
		return
	}
	least := 0
	for i := range s.queries {
		if s.queries[i].Count < s.queries[least].Count {
			least = i
		}
	}
	out := s.queries[least]
	delete(s.at, out.Hash)
	s.at[q.Hash] = least
	s.queries[least] = TopQuery{Hash: q.Hash, Text: q.Text, Count: out.Count + 1, Error: out.Count}
}

// share is what other servers can add to theirs.
func (s *sketch) share() sharedSketch {
	return sharedSketch{Queries: slices.Clone(s.queries)}
}

// sharedSketch is a sketch as it goes to others.
type sharedSketch struct {
	Queries []TopQuery `json:"q,omitempty"`
}

// unseen is how often a query that is not in the sketch may have been asked: as often as the one that would have had to make room.
func (s *sharedSketch) unseen() int64 {
	if len(s.Queries) < tracked {
		return 0
	}
	least := s.Queries[0].Count
	for _, q := range s.Queries {
		least = min(least, q.Count)
	}
	return least
}

// top are the n queries that were asked most in all sketches together, those first. A query that a sketch does not have may have been asked
// there as often as its least one: by that the count, and what it may be too high, is more.
func top(n int, all []sharedSketch) []TopQuery {
	unseen := int64(0)
	sum := map[string]*TopQuery{}
	for i := range all {
		own := all[i].unseen()
		unseen += own
		for _, q := range all[i].Queries {
			known := sum[q.Hash]
			if known == nil {
				known = &TopQuery{Hash: q.Hash}
				sum[q.Hash] = known
			}
			known.Text = cmp.Or(known.Text, q.Text)
			known.Count += q.Count - own // as if it were not there; all that is not is added below
			known.Error += q.Error - own
		}
	}
	most := make([]TopQuery, 0, len(sum))
	for _, q := range sum {
		q.Count += unseen
		q.Error += unseen
		most = append(most, *q)
	}
	slices.SortFunc(most, func(a, b TopQuery) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Error, b.Error), cmp.Compare(a.Hash, b.Hash))
	})
	return most[:min(n, len(most))]
}
