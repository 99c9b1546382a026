package httpapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/ragservice/ragservice-operator/runtime/middleware"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/stats"
)

// Scopes of GET stats.
const (
	scopeReplica = "replica"
	scopeService = "service"
)

// statsAnswer answers GET stats: figures of the caller's tenant alone, of this server or of all.
type statsAnswer struct {
	Scope   string `json:"scope"`
	Replica string `json:"replica"`
	// Replicas are those whose figures these are.
	Replicas counted `json:"replicas"`
	Tenant   string  `json:"tenant"`
	// Documents is null while the store cannot be asked: the other figures are wanted just then. It is null for clients, too: it counts
	// documents that they may not find.
	Documents    *int    `json:"documents"`
	SinceStart   figures `json:"since_start"`
	Last5Minutes figures `json:"last_5_minutes"`
	// Budgets are those that are set, in the windows of now.
	Budgets []budgetFigures `json:"budgets"`
	// TopQueries is null for clients, and while nothing may be told of queries.
	TopQueries *topQueries `json:"top_queries"`
}

// counted says which servers are counted: those that run, and those that ended within the last hour. Complete is false while others cannot
// be asked for.
type counted struct {
	Running  int  `json:"running"`
	Ended    int  `json:"ended"`
	Complete bool `json:"complete"`
}

func (a *API) stats(w http.ResponseWriter, r *http.Request, c call) error {
	scope, err := readScope(r)
	if err != nil {
		return err
	}
	if err := c.admit(r.Context()); err != nil {
		return err
	}
	id := middleware.Of(r).Identity
	documents, err := a.countDocuments(r.Context(), id)
	if err != nil {
		return err
	}
	var f stats.Figures
	if scope == scopeService {
		f = a.Stats.Service(r.Context(), id.Tenant)
	} else {
		f = a.Stats.Replica(id.Tenant)
	}
	told := statsAnswer{
		Scope: scope, Replica: a.Replica, Replicas: counted{f.Running, f.Ended, f.Complete}, Tenant: id.Tenant, Documents: documents,
		SinceStart: newFigures(f.SinceStart), Last5Minutes: newFigures(f.Recent),
		Budgets: a.budgets(r.Context(), id),
	}
	if id.Role == rag.RoleAdmin && f.TopSinceStart != nil {
		told.TopQueries = &topQueries{SinceStart: newTopQueries(f.TopSinceStart), LastHour: newTopQueries(f.TopLastHour)}
	}
	return answer(w, told)
}

// countDocuments is nil for who may not know, and while the store cannot be asked.
func (a *API) countDocuments(ctx context.Context, id rag.Identity) (*int, error) {
	if id.Role != rag.RoleAdmin {
		return nil, nil
	}
	switch count, err := a.Service.CountDocuments(ctx, id); {
	case err == nil:
		return &count, nil
	case errors.Is(err, rag.ErrSearch):
		return nil, nil
	default:
		return nil, err
	}
}

func readScope(r *http.Request) (string, error) {
	switch scope := r.URL.Query().Get("scope"); {
	case !r.URL.Query().Has("scope"):
		return scopeReplica, nil
	case scope == scopeReplica, scope == scopeService:
		return scope, nil
	default:
		return "", rag.Invalid(rag.FieldError{Field: "scope", Reason: "must be replica or service"})
	}
}

// topQueries are those that were asked most, most first.
type topQueries struct {
	SinceStart []topQuery `json:"since_start"`
	LastHour   []topQuery `json:"last_hour"`
}

// topQuery is told as the log tells of a query. Count is at most CountError too high.
type topQuery struct {
	QueryHash  string `json:"query_hash"`
	Query      string `json:"query,omitempty"`
	Count      int64  `json:"count"`
	CountError int64  `json:"count_error"`
}

func newTopQueries(top []stats.TopQuery) []topQuery {
	out := make([]topQuery, len(top))
	for i, q := range top {
		out[i] = topQuery{QueryHash: q.Hash, Query: q.Text, Count: q.Count, CountError: q.Error}
	}
	return out
}
