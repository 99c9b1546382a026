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
	Aggregations struct {
		Holding struct {
			Buckets []bucket `json:"buckets"`
		} `json:"holding"`
		Index struct {
			Searched bucket `json:"searched"`
		} `json:"index"`
	} `json:"aggregations"`
}

type bucket struct {
	Count int `json:"doc_count"`
}

type shards struct {
	Total  int `json:"total"`
	Failed int `json:"failed"`
}

// whole says whether every shard answered.
func (s *shards) whole() bool { return s != nil && s.Total > 0 && s.Failed == 0 }

// Keyword implements rag.Index.
func (s *Store) Keyword(ctx context.Context, q rag.KeywordQuery) (rag.Leg, rag.Statistics, error) {
	looked := s.analyser.Query(q.Text)
	if len(looked) == 0 {
		return rag.Leg{}, rag.Statistics{}, nil
	}
	answer, err := s.search(refusable(ctx), "search", searchBody(q, looked), false)
	if err != nil {
		return rag.Leg{}, rag.Statistics{}, err
	}
	leg := rag.Leg{Hits: make([]rag.Hit, 0, len(answer.Hits.Hits)), Total: answer.Hits.Total.Value}
	for _, hit := range answer.Hits.Hits {
		leg.Hits = append(leg.Hits, rag.Hit{Chunk: hit.Source.Chunk, Score: hit.Score})
	}
	return leg, answer.statistics(looked), nil
}

func (s *Store) search(ctx context.Context, name string, body map[string]any, withOrder bool) (searchAnswer, error) {
	return s.searchShards(ctx, name, "", body, withOrder)
}

// searchShards searches the copies that preference names. Scores come from the statistics of all shards: those of each alone would
// rank the same passage differently with its shard.
func (s *Store) searchShards(ctx context.Context, name, preference string, body map[string]any, withOrder bool) (searchAnswer, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return searchAnswer{}, fmt.Errorf("encode the query: %w", err)
	}
	partial, searchType := false, ""
	if s.shards > 1 {
		searchType = "dfs_query_then_fetch"
	}
	var answer searchAnswer
	err = s.do(ctx, call{
		operation: name, method: http.MethodPost, repeatable: true,
		request: func() opensearch.Request {
			return opensearchapi.SearchReq{
				Indices: []string{s.place(ctx)}, Body: bytes.NewReader(encoded),
				Params: opensearchapi.SearchParams{
					AllowPartialSearchResults: &partial, SeqNoPrimaryTerm: &withOrder, Preference: preference, SearchType: searchType,
				},
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

// searchBody is the query as OpenSearch takes it. Each term stands as a value, so nothing in it is an operator. The
// candidates are counted up to rag.MaxWindow.
func searchBody(q rag.KeywordQuery, looked []terms.Term) map[string]any {
	scope := []any{term("kind", kindChunk), term("tenant", q.Tenant)}
	for _, anyOf := range rag.FilterTerms(q.Filter, q.Readers) {
		scope = append(scope, map[string]any{"terms": map[string]any{"facets": anyOf}})
	}
	body := map[string]any{
		"from":             q.From,
		"size":             q.Size,
		"track_total_hits": rag.MaxWindow,
		"_source":          map[string]any{"excludes": []string{"facets"}},
		"sort":             []any{map[string]any{"_score": "desc"}, map[string]any{"chunk_id": "asc"}},
		"query": map[string]any{"bool": map[string]any{
			"must":   map[string]any{"bool": map[string]any{"should": clauses(looked)}},
			"filter": scope,
		}},
		"aggs": statisticsBody(scope, looked),
	}
	if q.MinScore != nil {
		body["min_score"] = *q.MinScore
	}
	return body
}

// clause looks for a term in one field. (A structure: a map is encoded ten times slower, and a search has fifty.)
type clause struct {
	Term struct {
		Text    *weighted `json:"search.text,omitempty"`
		Title   *weighted `json:"search.title,omitempty"`
		Heading *weighted `json:"search.heading,omitempty"`
		Stop    *weighted `json:"search.stop,omitempty"`
	} `json:"term"`
}

// weighted is a term and what it counts for; without Boost, 1.
type weighted struct {
	Value string  `json:"value"`
	Boost float64 `json:"boost,omitempty"`
}

// clauses are the terms, in each field. Stop words are looked for where they are apart, and among the others: a document
// of a language that the analyser has no stop words for holds them there.
func clauses(looked []terms.Term) []clause {
	should := make([]clause, 0, 3*len(looked))
	for _, t := range looked {
		text, stop, title, heading := clause{}, clause{}, clause{}, clause{}
		text.Term.Text = &weighted{t.Text, t.Weight}
		if should = append(should, text); t.Stop {
			stop.Term.Stop = text.Term.Text
			should = append(should, stop)
			continue
		}
		title.Term.Title = &weighted{t.Text, t.Weight * rag.TitleBoost}
		heading.Term.Heading = &weighted{t.Text, t.Weight * rag.HeadingBoost}
		should = append(should, title, heading)
	}
	return should
}

// statisticsBody counts, among the chunks that the query found, those that hold each term in their text, in order, and all chunks
// that it could have found.
func statisticsBody(scope []any, looked []terms.Term) map[string]any {
	holding := make([]clause, min(len(looked), rag.MaxStatistics))
	for i := range holding {
		holding[i].Term.Text = &weighted{Value: looked[i].Text}
	}
	return map[string]any{
		"holding": map[string]any{"filters": map[string]any{"filters": holding}},
		"index": map[string]any{"global": map[string]any{}, "aggs": map[string]any{
			"searched": map[string]any{"filter": map[string]any{"bool": map[string]any{"filter": scope}}},
		}},
	}
}

// statistics reads what statisticsBody asked for.
func (a *searchAnswer) statistics(looked []terms.Term) rag.Statistics {
	found := rag.Statistics{Chunks: a.Aggregations.Index.Searched.Count, Holding: map[string]int{}}
	for i, b := range a.Aggregations.Holding.Buckets {
		if b.Count > 0 && i < len(looked) {
			found.Holding[looked[i].Text] = b.Count
		}
	}
	return found
}

func term(field string, value any) map[string]any {
	return map[string]any{"term": map[string]any{field: value}}
}

// Count counts the documents that a search may see.
func (s *Store) Count(ctx context.Context, tenant string) (int, error) {
	return s.count(refusable(ctx), map[string]any{"filter": []any{term("kind", rag.RecordDocument), term("tenant", tenant)}})
}

// countRecords counts the records of all kinds, as a search sees them.
func (s *Store) countRecords(ctx context.Context) (int, error) {
	return s.count(ctx, map[string]any{"must_not": term("kind", kindChunk)})
}

func (s *Store) count(ctx context.Context, which map[string]any) (int, error) {
	body, err := json.Marshal(map[string]any{"query": map[string]any{"bool": which}})
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
			return opensearchapi.IndicesCountReq{Indices: []string{s.place(ctx)}, Body: bytes.NewReader(body)}
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
