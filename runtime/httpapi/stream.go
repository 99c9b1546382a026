package httpapi

import (
	"net/http"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/middleware"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// streamMeta is the first event of a stream: what is known before the first token.
type streamMeta struct {
	Query      string `json:"query"`
	ChunksUsed int    `json:"chunks_used"`
	SearchMode string `json:"search_mode"`
	Model      string `json:"model"`
	// Cache and AgeSeconds are X-Cache and Age.
	Cache      rag.CacheOutcome `json:"cache"`
	AgeSeconds int              `json:"age_seconds"`
	TraceID    string           `json:"trace_id"`
}

type streamToken struct {
	Text string `json:"text"`
}

// stream sends an answer as it is written. An error before the first event is returned and becomes a status; a later one
// becomes the last event.
func (a *API) stream(w http.ResponseWriter, r *http.Request, c call) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	request, err := readAsk(body, c.dialect)
	if err != nil {
		return err
	}
	start := time.Now()
	events := c.dialect.stream(w, a.Heartbeat)
	defer events.close()
	answered, err := a.Service.Stream(r.Context(), middleware.Of(r).Identity, request, a.options(r, request.Query, c), rag.StreamEvents{
		Meta: func(m rag.StreamMeta) error {
			mode := searchMode(m.Mode, m.Degraded)
			a.Log.Write(r.Context(), logging.SearchCompleted{
				SearchMode: mode,
				Hits:       m.ChunksUsed,
				Cached:     m.Cache.Outcome == rag.CacheHit,
				Took:       time.Since(start),
			})
			setCacheHeaders(w, r, telemetry.KindLLM, m.Cache)
			events.atHand(m.Cache.Outcome == rag.CacheHit || m.Cache.Outcome == rag.CacheStale)
			return events.send("meta", streamMeta{
				Query:      m.Query,
				ChunksUsed: m.ChunksUsed,
				SearchMode: mode,
				Model:      m.Model,
				Cache:      m.Cache.Outcome,
				AgeSeconds: int(m.Cache.Age / time.Second),
				TraceID:    telemetry.TraceID(r.Context()),
			})
		},
		Token:    func(text string) error { return events.send("token", streamToken{Text: text}) },
		Citation: func(c rag.Citation) error { return events.send("citation", c) },
	})
	if err == nil {
		a.logAnswer(r, answered)
		noteCache(r, telemetry.KindLLM, answered.Cache)
		events.atHand(false)
		err = events.send("done", newAskAnswer(r, answered))
	}
	if err == nil || !events.started() {
		return aboutRequest(err, request.Query, body)
	}
	events.atHand(false)
	middleware.Of(r).CacheOutcome = "" // no answer was given, whatever was begun
	_ = events.send("error", note(r, aboutRequest(err, request.Query, body)).envelope())
	return nil
}
