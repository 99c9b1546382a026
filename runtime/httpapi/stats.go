package httpapi

import (
	"errors"
	"math"
	"net/http"

	"github.com/ragservice/ragservice-operator/runtime/middleware"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// statsAnswer answers GET stats: figures of this server, of the caller's tenant alone.
type statsAnswer struct {
	Replica string `json:"replica"`
	Tenant  string `json:"tenant"`
	// Documents is null while the store cannot be asked: the other figures are wanted just then. It is null for clients, too: it counts
	// documents that they may not find.
	Documents    *int    `json:"documents"`
	SinceStart   figures `json:"since_start"`
	Last5Minutes figures `json:"last_5_minutes"`
	// Budgets are those that are set, in the windows of now.
	Budgets []budgetFigures `json:"budgets"`
}

// figures are those of a length of time.
type figures struct {
	Seconds  int          `json:"seconds"`
	Requests int64        `json:"requests"`
	Errors   int64        `json:"errors"`
	Cache    cacheFigures `json:"cache"`
}

type cacheFigures struct {
	hitRate
	ByKind []kindFigures `json:"by_kind"`
	// Saved is what the answers from the cache would have taken of the model.
	Saved usage `json:"saved"`
}

type kindFigures struct {
	Kind string `json:"kind"`
	hitRate
}

// hitRate is the share of requests answered from the cache, in percent with one decimal; null without requests. Stale ones are
// no part of it.
type hitRate struct {
	Hits    int64    `json:"hits"`
	Misses  int64    `json:"misses"`
	Stale   int64    `json:"stale"`
	Percent *float64 `json:"hit_rate_percent"`
}

func newHitRate(hits ...telemetry.Hits) hitRate {
	var sum hitRate
	for _, h := range hits {
		sum.Hits += h.Hits
		sum.Misses += h.Misses
		sum.Stale += h.Stale
	}
	if all := sum.Hits + sum.Misses; all > 0 {
		percent := math.Round(1000*float64(sum.Hits)/float64(all)) / 10
		sum.Percent = &percent
	}
	return sum
}

func newFigures(f telemetry.Figures) figures {
	return figures{
		Seconds: int(f.Over.Seconds()), Requests: f.Requests, Errors: f.Errors,
		Cache: cacheFigures{hitRate: newHitRate(f.Search, f.LLM), ByKind: []kindFigures{
			{Kind: telemetry.KindSearch, hitRate: newHitRate(f.Search)},
			{Kind: telemetry.KindLLM, hitRate: newHitRate(f.LLM)},
		}, Saved: usage(f.Saved)},
	}
}

func (a *API) stats(w http.ResponseWriter, r *http.Request, c call) error {
	if err := c.admit(r.Context()); err != nil {
		return err
	}
	id := middleware.Of(r).Identity
	var documents *int
	if id.Role == rag.RoleAdmin {
		switch count, err := a.Service.CountDocuments(r.Context(), id); {
		case err == nil:
			documents = &count
		case !errors.Is(err, rag.ErrSearch):
			return err
		}
	}
	sinceStart, recent := a.Traffic.Of(id.Tenant)
	return answer(w, statsAnswer{
		Replica: a.Replica, Tenant: id.Tenant, Documents: documents, SinceStart: newFigures(sinceStart), Last5Minutes: newFigures(recent),
		Budgets: a.budgets(r.Context(), id),
	})
}
