package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/middleware"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// searchAnswer answers POST search.
type searchAnswer struct {
	Query      string `json:"query"`
	Total      int    `json:"total"`
	Hits       []hit  `json:"hits"`
	SearchMode string `json:"search_mode"`
	TookMS     int64  `json:"took_ms"`
	TraceID    string `json:"trace_id"`
}

type hit struct {
	ChunkID    string       `json:"chunk_id"`
	DocumentID string       `json:"document_id"`
	Title      string       `json:"title,omitempty"`
	URL        string       `json:"url,omitempty"`
	Text       string       `json:"text"`
	Score      float64      `json:"score"`
	Span       rag.Span     `json:"span"`
	Metadata   rag.Metadata `json:"metadata,omitempty"`
}

func hits(found []rag.Hit) []hit {
	out := make([]hit, len(found))
	for i, h := range found {
		out[i] = hit{h.ID, h.DocumentID, h.Title, h.URL, h.Text, h.Score, h.Span, h.Metadata}
	}
	return out
}

func (a *API) search(w http.ResponseWriter, r *http.Request, admit admission) error {
	request, err := readSearch(r)
	if err != nil {
		return err
	}
	start := time.Now()
	found, err := a.Service.Search(r.Context(), middleware.Of(r).Identity, request, a.admitQuery(r, request.Query, admit))
	if err != nil {
		return withQuery(err, request.Query)
	}
	took := time.Since(start).Milliseconds()
	mode := searchMode(found.Mode, found.Degraded)
	a.logCache(r, telemetry.KindSearch, found.Cache)
	a.Log.InfoContext(r.Context(), logging.SearchCompleted, "search_mode", mode, "hits", len(found.Hits), "total", found.Total, "took_ms", took)
	tellCache(w, r, telemetry.KindSearch, found.Cache)
	return answer(w, searchAnswer{
		Query: found.Query, Total: found.Total, Hits: hits(found.Hits), SearchMode: mode, TookMS: took, TraceID: telemetry.TraceID(r.Context()),
	})
}

// admitQuery logs a query once it was admitted.
func (a *API) admitQuery(r *http.Request, query string, admit admission) rag.RequestOptions {
	return rag.RequestOptions{Admit: func(ctx context.Context, cache rag.CacheInfo) error {
		if err := admit(ctx, cache); err != nil {
			return err
		}
		a.logQuery(r, query)
		return nil
	}}
}

func readSearch(r *http.Request) (rag.SearchRequest, error) {
	var found faults
	o, err := readFields(r, &found)
	if err != nil {
		return rag.SearchRequest{}, err
	}
	request := rag.SearchRequest{
		Query:     o.required("query"),
		TopK:      o.integer("top_k"),
		UseHybrid: o.boolean("use_hybrid"),
		Mode:      rag.Mode(o.text("mode")),
		Filter:    o.filter("filter"),
		MinScore:  o.number("min_score"),
	}
	if offset := o.integer("offset"); offset != nil {
		request.Offset = *offset
	}
	o.refuseRest()
	return request, found.err()
}

// logQuery logs that somebody asks, never what: the hash tells equal queries.
func (a *API) logQuery(r *http.Request, query string) {
	a.Log.InfoContext(r.Context(), logging.SearchQuery, "route", middleware.Of(r).Route, "query_hash", a.Hasher.Query(query))
}

func (a *API) logCache(r *http.Request, kind string, c rag.CacheInfo) {
	switch c.Outcome {
	case rag.CacheHit:
		a.Log.InfoContext(r.Context(), logging.CacheHit, "kind", kind, "age_s", int(c.Age/time.Second))
	case rag.CacheMiss:
		a.Log.InfoContext(r.Context(), logging.CacheMiss, "kind", kind)
	case rag.CacheBypass:
	}
}
