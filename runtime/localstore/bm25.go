package localstore

import (
	"context"
	"errors"
	"math"

	"github.com/blevesearch/bleve/v2/mapping"
	"github.com/blevesearch/bleve/v2/search"
	index "github.com/blevesearch/bleve_index_api"
)

const (
	// k1 and b are those of OpenSearch's index.
	k1 = 1.2
	b  = 0.75
	// sampledOfTerm is how many chunks of each term tell how long chunks are.
	sampledOfTerm = 64
)

// weighedTerm is a term of a field, with what finding it counts for.
type weighedTerm struct {
	field, text string
	weight      float64
}

// bm25 finds what holds any of its terms, and adds up what BM25 says of each, as OpenSearch does. bleve's own BM25 counts the rarity of
// a term twice and takes the root of its frequency and the number of distinct terms for the length of all texts, and its disjunctions
// multiply by the share of the clauses that match: a word in a title then counts for more than all the others in the text.
type bm25 []weighedTerm

// Searcher implements query.Query.
func (q bm25) Searcher(ctx context.Context, in index.IndexReader, _ mapping.IndexMapping, _ search.SearcherOptions) (search.Searcher, error) {
	total, err := in.DocCount()
	if err != nil {
		return nil, err
	}
	s := &bm25Searcher{}
	lengths := map[string]*lengthsOf{}
	for _, t := range q {
		reader, err := in.TermFieldReader(ctx, []byte(t.text), t.field, true, true, false)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		n := float64(reader.Count())
		if n == 0 {
			if err := reader.Close(); err != nil {
				return nil, errors.Join(err, s.Close())
			}
			continue
		}
		if lengths[t.field] == nil {
			lengths[t.field] = &lengthsOf{}
		}
		if err := lengths[t.field].sample(ctx, in, t); err != nil {
			return nil, errors.Join(err, reader.Close(), s.Close())
		}
		rarity := math.Log(1 + (float64(total)-n+0.5)/(n+0.5))
		s.postings = append(s.postings, &postings{reader: reader, weight: t.weight * rarity, lengths: lengths[t.field]})
	}
	return s, nil
}

// lengthsOf tells how many terms the texts of a field have, from some that hold a term of the question.
type lengthsOf struct{ texts, inverse float64 }

// sample reads the first texts that hold a term.
func (l *lengthsOf) sample(ctx context.Context, in index.IndexReader, t weighedTerm) error {
	reader, err := in.TermFieldReader(ctx, []byte(t.text), t.field, true, true, false)
	if err != nil {
		return err
	}
	var doc index.TermFieldDoc
	for range sampledOfTerm {
		found, err := reader.Next(doc.Reset())
		if err != nil || found == nil {
			return errors.Join(err, reader.Close())
		}
		l.texts++
		l.inverse += found.Norm * found.Norm // 1 by the length
	}
	return reader.Close()
}

// mean is the harmonic mean of what was sampled: a text holds a term the more likely the longer it is, and the harmonic mean of texts that
// were drawn by their length is the mean of all.
func (l *lengthsOf) mean() float64 { return l.texts / l.inverse }

// postings are the chunks that hold a term, read one after the other.
type postings struct {
	reader  index.TermFieldReader
	weight  float64
	lengths *lengthsOf
	doc     index.TermFieldDoc
	// at is where the reader stands; nil at the end.
	at *index.TermFieldDoc
}

func (p *postings) next() (err error) {
	p.at, err = p.reader.Next(p.doc.Reset())
	return err
}

func (p *postings) advance(to index.IndexInternalID) (err error) {
	if p.at != nil && p.at.ID.Compare(to) < 0 {
		p.at, err = p.reader.Advance(to, p.doc.Reset())
	}
	return err
}

func (p *postings) score() float64 {
	frequency, length := float64(p.at.Freq), 1/(p.at.Norm*p.at.Norm)
	return p.weight * frequency / (frequency + k1*(1-b+b*length/p.lengths.mean()))
}

// bm25Searcher implements search.Searcher.
type bm25Searcher struct {
	postings []*postings
	began    bool
}

// Next implements search.Searcher.
func (s *bm25Searcher) Next(ctx *search.SearchContext) (*search.DocumentMatch, error) {
	if err := s.begin(); err != nil {
		return nil, err
	}
	return s.take(ctx)
}

// Advance implements search.Searcher.
func (s *bm25Searcher) Advance(ctx *search.SearchContext, to index.IndexInternalID) (*search.DocumentMatch, error) {
	if err := s.begin(); err != nil {
		return nil, err
	}
	for _, p := range s.postings {
		if err := p.advance(to); err != nil {
			return nil, err
		}
	}
	return s.take(ctx)
}

func (s *bm25Searcher) begin() error {
	if s.began {
		return nil
	}
	s.began = true
	for _, p := range s.postings {
		if err := p.next(); err != nil {
			return err
		}
	}
	return nil
}

// take is the first chunk that any of the readers stands at; nil at the end. They go on behind it.
func (s *bm25Searcher) take(ctx *search.SearchContext) (*search.DocumentMatch, error) {
	var first index.IndexInternalID
	for _, p := range s.postings {
		if p.at != nil && (first == nil || p.at.ID.Compare(first) < 0) {
			first = p.at.ID
		}
	}
	if first == nil {
		return nil, nil //nolint:nilnil // the end, as search.Searcher has it
	}
	match := ctx.DocumentMatchPool.Get()
	match.IndexInternalID = index.NewIndexInternalIDFrom(match.IndexInternalID, first)
	for _, p := range s.postings {
		if p.at == nil || !p.at.ID.Equals(match.IndexInternalID) {
			continue
		}
		match.Score += p.score()
		if err := p.next(); err != nil {
			return nil, err
		}
	}
	return match, nil
}

// Close implements search.Searcher.
func (s *bm25Searcher) Close() error {
	var errs []error
	for _, p := range s.postings {
		errs = append(errs, p.reader.Close())
	}
	return errors.Join(errs...)
}

// Count implements search.Searcher: at most.
func (s *bm25Searcher) Count() uint64 {
	n := uint64(0)
	for _, p := range s.postings {
		n += p.reader.Count()
	}
	return n
}

// Size implements search.Searcher.
func (s *bm25Searcher) Size() int {
	n := 0
	for _, p := range s.postings {
		n += p.reader.Size()
	}
	return n
}

// Weight implements search.Searcher: not 0, by which bleve would divide where nothing else has a weight.
func (s *bm25Searcher) Weight() float64 { return 1 }

// SetQueryNorm implements search.Searcher. Scores are those of BM25, whatever stands beside.
func (s *bm25Searcher) SetQueryNorm(float64) {}

// Min implements search.Searcher.
func (s *bm25Searcher) Min() int { return 0 }

// DocumentMatchPoolSize implements search.Searcher.
func (s *bm25Searcher) DocumentMatchPoolSize() int { return 1 }
