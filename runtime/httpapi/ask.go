package httpapi

import (
	"net/http"

	"github.com/ragservice/ragservice-operator/runtime/middleware"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// askAnswer answers POST ask, and is the last event of a stream.
type askAnswer struct {
	Query        string         `json:"query"`
	Answer       string         `json:"answer"`
	Citations    []rag.Citation `json:"citations"`
	Sources      []string       `json:"sources"`
	ChunksUsed   int            `json:"chunks_used"`
	SearchMode   string         `json:"search_mode"`
	Model        string         `json:"model"`
	Usage        rag.Usage      `json:"usage"`
	Cached       bool           `json:"cached"`
	FinishReason string         `json:"finish_reason"`
	TraceID      string         `json:"trace_id"`
}

func newAskAnswer(r *http.Request, a rag.Answer) askAnswer {
	return askAnswer{
		Query: a.Query, Answer: a.Text, Citations: orEmpty(a.Citations), Sources: orEmpty(a.Sources), ChunksUsed: a.ChunksUsed,
		SearchMode: searchMode(a.Mode, a.Degraded), Model: a.Model, Usage: a.Usage, Cached: a.Cache.Outcome == rag.CacheHit,
		FinishReason: a.FinishReason, TraceID: telemetry.TraceID(r.Context()),
	}
}

func (a *API) ask(w http.ResponseWriter, r *http.Request, admit admission) error {
	request, err := readAsk(r)
	if err != nil {
		return err
	}
	answered, err := a.Service.Ask(r.Context(), middleware.Of(r).Identity, request, a.admitQuery(r, request.Query, admit))
	if err != nil {
		return withQuery(err, request.Query)
	}
	a.logCache(r, telemetry.KindLLM, answered.Cache)
	tellCache(w, r, telemetry.KindLLM, answered.Cache)
	return answer(w, newAskAnswer(r, answered))
}

// readAsk reads the body of ask and stream.
func readAsk(r *http.Request) (rag.AskRequest, error) {
	var found faults
	o, err := readFields(r, &found)
	if err != nil {
		return rag.AskRequest{}, err
	}
	request := rag.AskRequest{
		Query:       o.required("query"),
		TopK:        o.integer("top_k"),
		UseHybrid:   o.boolean("use_hybrid"),
		Mode:        rag.Mode(o.text("mode")),
		Filter:      o.filter("filter"),
		Model:       o.text("model"),
		Temperature: o.number("temperature"),
		MaxTokens:   o.integer("max_tokens"),
	}
	o.refuseRest()
	return request, found.err()
}
