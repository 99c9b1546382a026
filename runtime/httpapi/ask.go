package httpapi

import (
	"net/http"

	"github.com/ragservice/ragservice-operator/runtime/logging"
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
	Usage        usage          `json:"usage"`
	Cached       bool           `json:"cached"`
	FinishReason string         `json:"finish_reason"`
	Notice       string         `json:"notice,omitempty"`
	TraceID      string         `json:"trace_id"`
}

// usage is what an answer took, as it is told.
type usage struct {
	PromptTokens     int     `json:"prompt_tokens"`
	CompletionTokens int     `json:"completion_tokens"`
	CostUSD          float64 `json:"cost_usd"`
}

// extracted is what an answer says that a model should have written.
const extracted = "The language model is unavailable. These are the sentences of the documents that match the question best."

func newAskAnswer(r *http.Request, a rag.Answer) *askAnswer {
	notice := ""
	if a.Instead != nil {
		notice = extracted
	}
	return &askAnswer{
		Query: a.Query, Answer: a.Text, Citations: orEmpty(a.Citations), Sources: orEmpty(a.Sources), ChunksUsed: a.ChunksUsed,
		SearchMode: searchMode(a.Mode, a.Degraded), Model: a.Model, Usage: usage(a.Usage), Cached: a.Cached,
		FinishReason: a.FinishReason, Notice: notice, TraceID: telemetry.TraceID(r.Context()),
	}
}

func (a *API) ask(w http.ResponseWriter, r *http.Request, c call) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	request, err := readAsk(body, c.dialect)
	if err != nil {
		return err
	}
	answered, err := a.Service.Ask(r.Context(), middleware.Of(r).Identity, request, a.options(r, request.Query, c))
	if err != nil {
		return aboutRequest(err, request.Query, body)
	}
	a.logAnswer(r, answered)
	setCacheHeaders(w, r, telemetry.KindLLM, answered.Cache)
	return answer(w, newAskAnswer(r, answered))
}

// logAnswer tells how an answer came about, and what the cache has saved.
func (a *API) logAnswer(r *http.Request, answered rag.Answer) {
	if answered.Cached {
		a.Metrics.CacheSaved(answered.Model, answered.Saved.PromptTokens, answered.Saved.CompletionTokens, answered.Saved.CostUSD)
		a.Traffic.Saved(middleware.Of(r).Identity.Tenant, telemetry.KindLLM, answered.Cache.Layer, telemetry.Savings(answered.Saved))
	}
	a.logCache(r, telemetry.KindLLM, answered.Cache)
	if answered.Instead != nil {
		code := rag.KindOf(answered.Instead).Code
		a.Metrics.Extracted(code)
		a.Log.Write(r.Context(), logging.AnswerExtracted{Code: code})
	}
}

var askFields = fields{
	known:    []string{"query", "top_k", "use_hybrid", "mode", "filter", "model", "temperature", "max_tokens"},
	required: []string{"query"},
}

// readAsk reads the body of ask and stream.
func readAsk(body []byte, d dialect) (rag.AskRequest, error) {
	var request rag.AskRequest
	err := d.decode(body, "body", askFields, func(d *decoder, name string) {
		switch name {
		case "query":
			request.Query = d.text(name)
		case "top_k":
			request.TopK = d.integer(name)
		case "use_hybrid":
			request.UseHybrid = d.boolean(name)
		case "mode":
			request.Mode = rag.Mode(d.text(name))
		case "filter":
			request.Filter = d.filter(name)
		case "model":
			request.Model = d.text(name)
		case "temperature":
			request.Temperature = d.number(name)
		case "max_tokens":
			request.MaxTokens = d.integer(name)
		}
	})
	return request, err
}
