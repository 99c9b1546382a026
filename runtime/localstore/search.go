package localstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/search"
	"github.com/blevesearch/bleve/v2/search/query"

	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/terms"
)

// Keyword implements rag.Index.
func (s *Store) Keyword(ctx context.Context, q rag.KeywordQuery) (rag.Leg, rag.Statistics, error) {
	ctx, cancel := context.WithTimeout(ctx, searchTimeout)
	defer cancel()
	looked := s.analyser.Query(q.Text)
	if len(looked) == 0 {
		return rag.Leg{}, rag.Statistics{}, nil
	}
	request := bleve.NewSearchRequestOptions(passages(q, looked), rag.MaxWindow, 0, false)
	request.SortBy([]string{"-_score", "_id"})
	answer, err := s.chunks.SearchInContext(ctx, request)
	if err != nil {
		return rag.Leg{}, rag.Statistics{}, mapError(ctx, err)
	}
	candidates := aboveScore(answer.Hits, q.MinScore)
	leg := rag.Leg{Total: len(candidates)}
	for _, match := range page(candidates, q.From, q.Size) {
		hit := rag.Hit{Score: match.Score}
		there, err := read(s.chunks, match.ID, &hit.Chunk)
		if err != nil {
			return rag.Leg{}, rag.Statistics{}, mapError(ctx, err)
		}
		if there { // else it was deleted since the search
			leg.Hits = append(leg.Hits, hit)
		}
	}
	statistics, err := s.statistics(ctx, q, looked)
	if err != nil {
		return rag.Leg{}, rag.Statistics{}, mapError(ctx, err)
	}
	return leg, statistics, nil
}

// passages is the query as bleve takes it. Each term stands as a value, so nothing in it is an operator. The filters count
// nothing towards the score. They are not the filter of a boolean query, which answers everything that it lets through
// when the words match nothing.
func passages(q rag.KeywordQuery, looked []terms.Term) query.Query {
	return bleve.NewConjunctionQuery(append(scope(q), clauses(looked))...)
}

// scope is what the query could find: the tenant's chunks that pass its filter.
func scope(q rag.KeywordQuery) []query.Query {
	all := []query.Query{exactly(fieldTenant, q.Tenant)}
	for _, values := range rag.FilterTerms(q.Filter, q.Readers) {
		anyOf := bleve.NewDisjunctionQuery()
		for _, term := range values {
			anyOf.AddQuery(exactly(fieldFacets, term))
		}
		all = append(all, anyOf)
	}
	return all
}

// clauses are the terms, in each field. Stop words are looked for where they are apart, and among the others: a document
// of a language that the analyser has no stop words for holds them there.
func clauses(looked []terms.Term) bm25 {
	var all bm25
	for _, t := range looked {
		all = append(all, weighedTerm{fieldText, t.Text, t.Weight})
		if t.Stop {
			all = append(all, weighedTerm{fieldStop, t.Text, t.Weight})
			continue
		}
		all = append(all, weighedTerm{fieldTitle, t.Text, t.Weight * rag.TitleBoost}, weighedTerm{fieldHeading, t.Text, t.Weight * rag.HeadingBoost})
	}
	return all
}

// statistics counts the chunks that the query could find, and those of them that hold its terms.
func (s *Store) statistics(ctx context.Context, q rag.KeywordQuery, looked []terms.Term) (rag.Statistics, error) {
	found := rag.Statistics{Holding: map[string]int{}}
	var err error
	if found.Chunks, err = count(ctx, s.chunks, scope(q)...); err != nil {
		return rag.Statistics{}, err
	}
	for _, t := range looked[:min(len(looked), rag.MaxStatistics)] {
		n, err := count(ctx, s.chunks, append(scope(q), exactly(fieldText, t.Text))...)
		if err != nil {
			return rag.Statistics{}, err
		}
		if n > 0 {
			found.Holding[t.Text] = n
		}
	}
	return found, nil
}

// count counts the entries of an index of which all queries hold.
func count(ctx context.Context, in bleve.Index, all ...query.Query) (int, error) {
	answer, err := in.SearchInContext(ctx, bleve.NewSearchRequestOptions(bleve.NewConjunctionQuery(all...), 0, 0, false))
	if err != nil {
		return 0, err
	}
	return int(answer.Total), nil //nolint:gosec // a count of entries in one process
}

// exactly finds what has a value, and counts nothing towards a score.
func exactly(field, value string) query.Query {
	term := bleve.NewTermQuery(value)
	term.SetField(field)
	term.SetBoost(0)
	return term
}

// aboveScore cuts a list that is in the order of scores.
func aboveScore(matches search.DocumentMatchCollection, least *float64) search.DocumentMatchCollection {
	if least == nil {
		return matches
	}
	for i, match := range matches {
		if match.Score < *least {
			return matches[:i]
		}
	}
	return matches
}

func page(matches search.DocumentMatchCollection, offset, size int) search.DocumentMatchCollection {
	from := min(max(offset, 0), len(matches))
	return matches[from:min(from+max(size, 0), len(matches))]
}

// Count counts the tenant's documents.
func (s *Store) Count(ctx context.Context, tenant string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, searchTimeout)
	defer cancel()
	documents, err := count(ctx, s.records, exactly(fieldTenant, tenant), exactly(fieldKind, string(rag.RecordDocument)))
	if err != nil {
		return 0, mapError(ctx, err)
	}
	return documents, nil
}

// mapError makes an error of the ports.
func mapError(ctx context.Context, err error) error {
	var known *rag.Error
	switch {
	case err == nil, errors.As(err, &known):
		return err
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return &rag.Error{
			Kind:    rag.ErrSearchTimeout,
			Message: fmt.Sprintf("search timed out after %g seconds", searchTimeout.Seconds()),
			Details: map[string]any{"timeout_seconds": searchTimeout.Seconds()},
			Cause:   err,
		}
	default:
		return &rag.Error{Kind: rag.ErrSearchUnavailable, Message: "the document index is not available", Cause: err}
	}
}
