package httpapi

import (
	"net/http"

	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/middleware"
	"github.com/ragservice/ragservice-operator/runtime/rag"
	"github.com/ragservice/ragservice-operator/runtime/telemetry"
)

// invalidateAnswer answers POST cache/invalidate.
type invalidateAnswer struct {
	// Unlinked are the entries that were dropped, by kind, with 0 for kinds that had none.
	Unlinked map[rag.CacheKind]int `json:"unlinked"`
	TraceID  string                `json:"trace_id"`
}

func (a *API) invalidate(w http.ResponseWriter, r *http.Request, c call) error {
	body, err := readBody(r)
	if err != nil {
		return err
	}
	request, err := readInvalidate(body, c.dialect)
	if err != nil {
		return err
	}
	if err := c.admit(r.Context()); err != nil {
		return err
	}
	dropped, err := a.Service.Invalidate(r.Context(), middleware.Of(r).Identity, request)
	if err != nil {
		return err
	}
	unlinked, all := map[rag.CacheKind]int{}, 0
	for _, kind := range rag.CacheKinds() {
		unlinked[kind] = dropped[kind]
		all += dropped[kind]
	}
	a.Log.Write(r.Context(), logging.CacheInvalidated{
		Scope:      scope(request),
		Kind:       string(request.Kind),
		DocumentID: request.DocumentID,
		Unlinked:   all,
	})
	return answer(w, invalidateAnswer{Unlinked: unlinked, TraceID: telemetry.TraceID(r.Context())})
}

// scope is what an invalidation reaches, as the log says it.
func scope(r rag.InvalidateRequest) string {
	switch {
	case r.All:
		return "all"
	case r.DocumentID != "":
		return "document"
	default:
		return "tenant"
	}
}

var invalidateFields = fields{known: []string{"kind", "document_id", "tenant", "all"}}

func readInvalidate(body []byte, d dialect) (rag.InvalidateRequest, error) {
	var request rag.InvalidateRequest
	err := d.decode(body, "body", invalidateFields, func(d *decoder, name string) {
		switch name {
		case "kind":
			request.Kind = rag.CacheKind(d.text(name))
		case "document_id":
			request.DocumentID = d.text(name)
		case "tenant":
			request.Tenant = d.text(name)
		case "all":
			if all := d.boolean(name); all != nil {
				request.All = *all
			}
		}
	})
	return request, err
}
