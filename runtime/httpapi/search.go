package httpapi

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/ragservice/ragservice-operator/runtime/config"
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
		out[i] = hit{
			ChunkID:    h.ID,
			DocumentID: h.DocumentID,
			Title:      h.Title,
			URL:        h.URL,
			Text:       h.Text,
			Score:      h.Score,
			Span:       h.Span,
			Metadata:   h.Metadata,
		}
	}
	return out
}

func (a *API) search(w http.ResponseWriter, r *http.Request, c call) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	request, err := readSearch(body, c.dialect)
	if err != nil {
		return err
	}
	start := time.Now()
	found, err := a.Service.Search(r.Context(), middleware.Of(r).Identity, request, a.options(r, request.Query, c))
	if err != nil {
		return aboutRequest(err, request.Query, body)
	}
	took := time.Since(start)
	mode := searchMode(found.Mode, found.Degraded)
	a.logCache(r, telemetry.KindSearch, found.Cache)
	a.Log.Write(r.Context(), logging.SearchCompleted{
		SearchMode: mode,
		Hits:       len(found.Hits),
		Total:      found.Total,
		Cached:     found.Cache.Outcome == rag.CacheHit,
		Took:       took,
	})
	setCacheHeaders(w, r, telemetry.KindSearch, found.Cache)
	return answer(w, searchAnswer{
		Query: found.Query, Total: found.Total, Hits: hits(found.Hits), SearchMode: mode,
		TookMS: took.Milliseconds(), TraceID: telemetry.TraceID(r.Context()),
	})
}

// options are those of a request with a query, which is logged once it was admitted.
func (a *API) options(r *http.Request, query string, c call) rag.RequestOptions {
	settings := a.Config()
	return rag.RequestOptions{
		Enter: c.enter,
		Admit: func(ctx context.Context, cache rag.CacheInfo) error {
			if err := c.take(ctx, cache); err != nil {
				return err
			}
			a.logQuery(r, query)
			return nil
		},
		AdmitLate: settings.RateLimits.CachedFree && settings.Cache.Enabled,
		NoCache:   noCache(r) && settings.MayNotCache(middleware.Of(r).Identity.Tier),
	}
}

// noCache reports whether a request has the directive no-cache in Cache-Control (RFC 9111, section 5.2.1.4).
func noCache(r *http.Request) bool {
	for _, list := range r.Header["Cache-Control"] {
		for directive := range strings.SplitSeq(list, ",") {
			if strings.EqualFold(strings.TrimSpace(directive), "no-cache") {
				return true
			}
		}
	}
	return false
}

var searchFields = fields{
	known:    []string{"query", "top_k", "offset", "use_hybrid", "mode", "filter", "min_score"},
	required: []string{"query"},
}

func readSearch(body []byte, d dialect) (rag.SearchRequest, error) {
	var request rag.SearchRequest
	err := d.decode(body, "body", searchFields, func(d *decoder, name string) {
		switch name {
		case "query":
			request.Query = d.text(name)
		case "top_k":
			request.TopK = d.integer(name)
		case "offset":
			if offset := d.integer(name); offset != nil {
				request.Offset = *offset
			}
		case "use_hybrid":
			request.UseHybrid = d.boolean(name)
		case "mode":
			request.Mode = rag.Mode(d.text(name))
		case "filter":
			request.Filter = d.filter(name)
		case "min_score":
			request.MinScore = d.number(name)
		}
	})
	return request, err
}

// filter reads {"field": "value" or ["a","b"]}.
func (d *decoder) filter(name string) rag.Filter {
	const want = "a string or an array of strings"
	filter := rag.Filter{}
	d.entries(name, func(field string) {
		switch d.json.PeekKind() {
		case jsontext.KindString:
			filter[field] = []string{d.text(field)}
		case jsontext.KindBeginArray:
			values, onlyStrings := d.strings(rag.MaxFilterValues)
			if !onlyStrings {
				d.fault(field, "must be "+want)
			}
			filter[field] = values
		default:
			d.wrong(field, want)
		}
	})
	return filter
}

// logQuery logs and counts that somebody asks, and of the query what the configuration allows.
func (a *API) logQuery(r *http.Request, query string) {
	e := middleware.Of(r)
	told := a.Config().Logging.LogQueries
	e.Query = a.Hasher.Tell(told, query)
	if told == config.LogQueriesFull {
		telemetry.RequestSpan(r.Context()).String(telemetry.AttributeQuery, query)
	}
	a.Stats.Asked(e.Identity.Tenant, e.Query)
	a.Log.Write(r.Context(), logging.SearchQuery{Route: e.Route, Query: e.Query})
}

func (a *API) logCache(r *http.Request, kind string, c rag.CacheInfo) {
	switch c.Outcome {
	case rag.CacheHit:
		a.Log.Write(r.Context(), logging.CacheHit{Kind: kind, Age: c.Age})
	case rag.CacheMiss:
		a.Log.Write(r.Context(), logging.CacheMiss{Kind: kind})
	case rag.CacheStale:
		a.Log.Write(r.Context(), logging.CacheStale{Kind: kind, Age: c.Age, Code: rag.KindOf(c.Cause).Code})
	case rag.CacheBypass:
	}
}
