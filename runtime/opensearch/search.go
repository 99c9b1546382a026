package opensearch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/opensearch-project/opensearch-go/v4"
	"github.com/opensearch-project/opensearch-go/v4/opensearchapi"

	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/terms"
)

var errPartial = errors.New("OpenSearch answered from a part of the index")

// searchAnswer is what is read of an answer to _search. Pointers tell what is missing from what is zero: an answer
// without hits is not an answer that found nothing.
type searchAnswer struct {
	TimedOut bool    `json:"timed_out"`
	Shards   *shards `json:"_shards"`
	Hits     *struct {
		Total struct {
			Value int `json:"value"`
		} `json:"total"`
		Hits []struct {
			ID          string      `json:"_id"`
			Score       float64     `json:"_score"`
			SeqNo       int64       `json:"_seq_no"`
			PrimaryTerm int64       `json:"_primary_term"`
			Source      chunkSource `json:"_source"`
		} `json:"hits"`
	} `json:"hits"`
}

type shards struct {
	Total  int `json:"total"`
	Failed int `json:"failed"`
}

// whole says whether every shard answered.
func (s *shards) whole() bool { return s != nil && s.Total > 0 && s.Failed == 0 }

// Retrieve ranks the tenant's chunks by the words of the query, all of them optional, with BM25; chunks of equal score
// are in the order of their ids.
func (s *Store) Retrieve(ctx context.Context, q rag.Query) (rag.Retrieval, error) {
	answer, err := s.search(ctx, "search", searchBody(q), false)
	if err != nil {
		return rag.Retrieval{}, err
	}
	found := rag.Retrieval{Hits: make([]rag.Hit, 0, len(answer.Hits.Hits)), Total: answer.Hits.Total.Value, Mode: rag.ModeKeyword}
	for _, hit := range answer.Hits.Hits {
		found.Hits = append(found.Hits, rag.Hit{Chunk: hit.Source.Chunk, Score: hit.Score})
	}
	return found, nil
}

func (s *Store) search(ctx context.Context, name string, body map[string]any, withOrder bool) (searchAnswer, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return searchAnswer{}, fmt.Errorf("encode the query: %w", err)
	}
	partial := false
	var answer searchAnswer
	err = s.do(ctx, call{
		operation: name, method: http.MethodPost, repeatable: true,
		request: func() opensearch.Request {
			return opensearchapi.SearchReq{
				Indices: []string{s.index}, Body: bytes.NewReader(encoded),
				Params: opensearchapi.SearchParams{AllowPartialSearchResults: &partial, SeqNoPrimaryTerm: &withOrder},
			}
		},
	}, &answer)
	switch {
	case err != nil:
		return searchAnswer{}, err
	case answer.Hits == nil || answer.TimedOut || !answer.Shards.whole():
		return searchAnswer{}, unavailable(errPartial)
	}
	return answer, nil
}

// searchBody is the query as OpenSearch takes it. The text only ever stands where plain words are expected, so nothing in
// it is an operator; a text of stop words alone matches nothing. The candidates are counted up to rag.MaxWindow.
func searchBody(q rag.Query) map[string]any {
	filters := []any{term("kind", kindChunk), term("tenant", q.Tenant)}
	for _, anyOf := range rag.FilterTerms(q.Filter) {
		filters = append(filters, map[string]any{"terms": map[string]any{"facets": anyOf}})
	}
	body := map[string]any{
		"from":             min(q.Offset, rag.MaxWindow),
		"size":             max(0, min(q.TopK, rag.MaxWindow-q.Offset)),
		"track_total_hits": rag.MaxWindow,
		"_source":          map[string]any{"excludes": []string{"facets"}},
		"sort":             []any{map[string]any{"_score": "desc"}, map[string]any{"chunk_id": "asc"}},
		"query": map[string]any{"bool": map[string]any{
			"must": map[string]any{"multi_match": map[string]any{
				"query": terms.FirstWords(q.Text), "type": "most_fields", "fields": []string{"text", fmt.Sprintf("title^%g", terms.TitleBoost)},
			}},
			"filter": filters,
		}},
	}
	if q.MinScore != nil {
		body["min_score"] = *q.MinScore
	}
	return body
}

func term(field string, value any) map[string]any {
	return map[string]any{"term": map[string]any{field: value}}
}

// Count counts the documents that a search may see.
func (s *Store) Count(ctx context.Context, tenant string) (int, error) {
	body, err := json.Marshal(map[string]any{"query": map[string]any{"bool": map[string]any{
		"filter": []any{term("kind", kindDocument), term("tenant", tenant)},
	}}})
	if err != nil {
		return 0, fmt.Errorf("encode the query: %w", err)
	}
	var answer struct {
		Count  int     `json:"count"`
		Shards *shards `json:"_shards"`
	}
	err = s.do(ctx, call{
		operation: "count", method: http.MethodPost, repeatable: true,
		request: func() opensearch.Request {
			return opensearchapi.IndicesCountReq{Indices: []string{s.index}, Body: bytes.NewReader(body)}
		},
	}, &answer)
	switch {
	case err != nil:
		return 0, err
	case !answer.Shards.whole():
		return 0, unavailable(errPartial)
	}
	return answer.Count, nil
}
