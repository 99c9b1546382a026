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

// Retrieve ranks the tenant's chunks by the words of the query, all of them optional, with BM25; chunks of equal score
// are in the order of their ids.
func (s *Store) Retrieve(ctx context.Context, q rag.Query) (rag.Retrieval, error) {
	ctx, cancel := context.WithTimeout(ctx, searchTimeout)
	defer cancel()
	request := bleve.NewSearchRequestOptions(passages(q), rag.MaxWindow, 0, false)
	request.SortBy([]string{"-_score", "_id"})
	answer, err := s.chunks.SearchInContext(ctx, request)
	if err != nil {
		return rag.Retrieval{}, mapError(ctx, err)
	}
	candidates := aboveScore(answer.Hits, q.MinScore)
	found := rag.Retrieval{Hits: []rag.Hit{}, Total: len(candidates), Mode: rag.ModeKeyword}
	for _, match := range page(candidates, q.Offset, q.TopK) {
		hit := rag.Hit{Score: match.Score}
		there, err := read(s.chunks, match.ID, &hit.Chunk)
		if err != nil {
			return rag.Retrieval{}, mapError(ctx, err)
		}
		if there { // else it was deleted since the search
			found.Hits = append(found.Hits, hit)
		}
	}
	return found, nil
}

// passages is the query as bleve takes it. The text only ever goes through the analyzer, so nothing in it is an operator;
// a text of stop words alone matches nothing. The filters count nothing towards the score. They are not the filter of a
// boolean query, which answers everything that it lets through when the words match nothing.
func passages(q rag.Query) query.Query {
	text := terms.FirstWords(q.Text)
	all := []query.Query{
		bleve.NewDisjunctionQuery(words(fieldText, text, 1), words(fieldTitle, text, terms.TitleBoost)),
		exactly(fieldTenant, q.Tenant),
	}
	for _, values := range rag.FilterTerms(q.Filter) {
		anyOf := bleve.NewDisjunctionQuery()
		for _, term := range values {
			anyOf.AddQuery(exactly(fieldFacets, term))
		}
		all = append(all, anyOf)
	}
	return bleve.NewConjunctionQuery(all...)
}

func words(field, text string, boost float64) query.Query {
	match := bleve.NewMatchQuery(text)
	match.SetField(field)
	match.SetBoost(boost)
	return match
}

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
	documents := bleve.NewConjunctionQuery(exactly(fieldTenant, tenant), exactly(fieldKind, kindDocument))
	answer, err := s.records.SearchInContext(ctx, bleve.NewSearchRequestOptions(documents, 0, 0, false))
	if err != nil {
		return 0, mapError(ctx, err)
	}
	return int(answer.Total), nil //nolint:gosec // a count of documents in one process
}

// mapError makes an error of the ports.
func mapError(ctx context.Context, err error) error {
	switch {
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
