package opensearch

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/opensearch-project/opensearch-go/v4"
	"github.com/opensearch-project/opensearch-go/v4/opensearchapi"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

const (
	// forgetAtOnce is how many are removed in one call, which has the time of a write, and forgetTenants of how many tenants that have too much
	// in a round.
	forgetAtOnce  = 1000
	forgetTenants = 100
)

// feedbackAlias names the index of feedback, which is made with the first one: -1 is the version of its mapping.
func (s *Store) feedbackAlias() string { return s.index + "-feedback" }

func (s *Store) feedbackIndex() string { return s.feedbackAlias() + "-1" }

func (s *Store) feedbackIndexBody() map[string]any {
	keyword := map[string]any{"type": "keyword"}
	return map[string]any{
		"settings": map[string]any{"number_of_shards": 1, "number_of_replicas": s.replicas()},
		"mappings": map[string]any{
			"dynamic": false,
			"properties": map[string]any{
				"tenant": keyword, "trace_id": keyword, "user": keyword,
				"at": map[string]any{"type": "long"}, "score": map[string]any{"type": "double"},
			},
		},
		"aliases": map[string]any{s.feedbackAlias(): map[string]any{}},
	}
}

// feedbackSource is feedback as it is kept. The comment is not searched.
type feedbackSource struct {
	Tenant  string  `json:"tenant"`
	TraceID string  `json:"trace_id"`
	User    string  `json:"user"`
	At      int64   `json:"at"`
	Score   float64 `json:"score"`
	Comment string  `json:"comment,omitempty"`
}

// PutFeedback keeps f under a key of its tenant, caller and trace. The index is made when it is not there.
func (s *Store) PutFeedback(ctx context.Context, tenant string, f rag.Feedback) error {
	ctx = refusable(ctx)
	err := s.writeFeedback(ctx, tenant, f)
	if !answered(err, http.StatusNotFound) {
		return err
	}
	if err := s.createIndex(ctx, s.feedbackIndex(), s.feedbackIndexBody()); err != nil {
		return fmt.Errorf("create the index of feedback: %w", err)
	}
	return s.writeFeedback(ctx, tenant, f)
}

func (s *Store) writeFeedback(ctx context.Context, tenant string, f rag.Feedback) error {
	body, err := json.Marshal(feedbackSource{tenant, f.TraceID, f.By, f.At.UnixMilli(), f.Score, f.Comment})
	if err != nil {
		return fmt.Errorf("encode feedback: %w", err)
	}
	requireAlias := true // else it would make an index with a mapping of its own
	var answer struct {
		Result string `json:"result"`
	}
	err = s.do(ctx, call{
		operation: "write", method: http.MethodPut,
		request: func() opensearch.Request {
			return opensearchapi.IndexReq{
				Index: s.feedbackAlias(), DocumentID: key(tenant, "feedback", f.By, f.TraceID), Body: bytes.NewReader(body),
				Params: opensearchapi.IndexParams{RequireAlias: &requireAlias},
			}
		},
	}, &answer)
	if err == nil && answer.Result == "" {
		return unavailable(errUnreadable)
	}
	return err
}

// feedbackAnswer is what is read of an answer to _search. Without an index there are no shards.
type feedbackAnswer struct {
	TimedOut bool    `json:"timed_out"`
	Shards   *shards `json:"_shards"`
	Hits     *struct {
		Hits []struct {
			Source feedbackSource `json:"_source"`
		} `json:"hits"`
	} `json:"hits"`
	Aggregations struct {
		Tenants struct {
			Buckets []struct {
				Key string `json:"key"`
			} `json:"buckets"`
		} `json:"tenants"`
	} `json:"aggregations"`
}

// failed says that a shard did not answer, or the answer is none.
func (s *shards) failed() bool { return s == nil || s.Failed > 0 }

// ListFeedback lists a tenant's feedback from behind a place.
func (s *Store) ListFeedback(ctx context.Context, tenant string, after *rag.FeedbackPlace, most int) ([]rag.Feedback, error) {
	ctx = refusable(ctx)
	body := feedbackOf(tenant, 0, most)
	if after == nil {
		if err := s.refreshFeedback(ctx); err != nil {
			return nil, err
		}
	} else {
		body["search_after"] = []any{after.At, after.TraceID, after.By}
	}
	found, err := s.searchFeedback(ctx, body)
	if err != nil {
		return nil, err
	}
	all := make([]rag.Feedback, len(found.Hits.Hits))
	for i, hit := range found.Hits.Hits {
		f := hit.Source
		all[i] = rag.Feedback{TraceID: f.TraceID, Score: f.Score, Comment: f.Comment, By: f.User, At: time.UnixMilli(f.At)}
	}
	return all, nil
}

// feedbackOf searches a part of a tenant's feedback in the order of rag.FeedbackPlace.
func feedbackOf(tenant string, from, size int) map[string]any {
	return map[string]any{
		"from": from, "size": size, "track_total_hits": false,
		"query": map[string]any{"bool": map[string]any{"filter": term("tenant", tenant)}},
		"sort":  []any{map[string]any{"at": "desc"}, map[string]any{"trace_id": "asc"}, map[string]any{"user": "asc"}},
	}
}

func (s *Store) searchFeedback(ctx context.Context, body map[string]any) (feedbackAnswer, error) {
	encoded, err := json.Marshal(body)
	if err != nil {
		return feedbackAnswer{}, fmt.Errorf("encode the query: %w", err)
	}
	partial, ignoreMissing := false, true
	var answer feedbackAnswer
	err = s.do(ctx, call{
		operation: "read", method: http.MethodPost, repeatable: true,
		request: func() opensearch.Request {
			return opensearchapi.SearchReq{
				Indices: []string{s.feedbackAlias()}, Body: bytes.NewReader(encoded),
				Params: opensearchapi.SearchParams{AllowPartialSearchResults: &partial, IgnoreUnavailable: &ignoreMissing},
			}
		},
	}, &answer)
	switch {
	case err != nil:
		return feedbackAnswer{}, err
	case answer.Hits == nil || answer.TimedOut || answer.Shards.failed():
		return feedbackAnswer{}, unavailable(errPartial)
	}
	return answer, nil
}

// refreshFeedback makes what was put visible.
func (s *Store) refreshFeedback(ctx context.Context) error {
	ignoreMissing := true
	var answer struct {
		Shards *shards `json:"_shards"`
	}
	err := s.do(ctx, call{
		operation: "refresh", method: http.MethodPost, repeatable: true,
		request: func() opensearch.Request {
			return opensearchapi.IndicesRefreshReq{
				Index: []string{s.feedbackAlias()}, Params: opensearchapi.IndicesRefreshParams{IgnoreUnavailable: &ignoreMissing},
			}
		},
	}, &answer)
	if err == nil && answer.Shards.failed() {
		return unavailable(errPartial)
	}
	return err
}

// ForgetFeedback removes what is too old, and what of tenants is too much: of those that have most. What came in the same millisecond as the
// oldest that stays does, too.
func (s *Store) ForgetFeedback(ctx context.Context, before time.Time, newest int) error {
	if err := s.refreshFeedback(ctx); err != nil {
		return err
	}
	if err := s.removeFeedback(ctx, earlier(before.UnixMilli())); err != nil {
		return err
	}
	crowded, err := s.searchFeedback(ctx, map[string]any{
		"size": 0,
		"aggs": map[string]any{"tenants": map[string]any{
			"terms": map[string]any{"field": "tenant", "size": forgetTenants, "min_doc_count": newest + 1},
		}},
	})
	if err != nil {
		return err
	}
	for _, tenant := range crowded.Aggregations.Tenants.Buckets {
		oldest, err := s.searchFeedback(ctx, feedbackOf(tenant.Key, newest-1, 1))
		if err != nil {
			return err
		}
		for _, hit := range oldest.Hits.Hits {
			if err := s.removeFeedback(ctx, term("tenant", tenant.Key), earlier(hit.Source.At)); err != nil {
				return err
			}
		}
	}
	return nil
}

// earlier is feedback from before a moment.
func earlier(at int64) map[string]any {
	return map[string]any{"range": map[string]any{"at": map[string]any{"lt": at}}}
}

// removeFeedback removes that of which all queries hold. What is replaced meanwhile stays.
func (s *Store) removeFeedback(ctx context.Context, all ...any) error {
	body, err := json.Marshal(map[string]any{"query": map[string]any{"bool": map[string]any{"filter": all}}})
	if err != nil {
		return fmt.Errorf("encode the query: %w", err)
	}
	atOnce, yes := forgetAtOnce, true
	for {
		var answer struct {
			TimedOut bool  `json:"timed_out"`
			Deleted  *int  `json:"deleted"`
			Failures []any `json:"failures"`
		}
		err := s.doWithin(ctx, s.writeTimeout, call{
			operation: "write", method: http.MethodPost,
			request: func() opensearch.Request {
				return opensearchapi.DocumentDeleteByQueryReq{
					Indices: []string{s.feedbackAlias()}, Body: bytes.NewReader(body),
					Params: opensearchapi.DocumentDeleteByQueryParams{
						Conflicts: "proceed", MaxDocs: &atOnce, Refresh: &yes, IgnoreUnavailable: &yes,
					},
				}
			},
		}, &answer)
		switch {
		case err != nil:
			return err
		case answer.Deleted == nil || answer.TimedOut || len(answer.Failures) > 0:
			return unavailable(errPartial)
		case *answer.Deleted < forgetAtOnce:
			return nil
		}
	}
}
