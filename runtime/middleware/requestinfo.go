package middleware

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// RequestInfo is what is learned of a request on its way through the layers. The access log tells it at the end.
type RequestInfo struct {
	RequestID string
	// Route is the pattern of the route that matched; empty when none did.
	Route string
	// Endpoint is the name that rateLimits has for that route.
	Endpoint string
	// Identity is who asks; its Name is empty before authentication.
	Identity rag.Identity
	// Code is that of the error that ended the request, Err the error itself with its cause; an error event of a stream
	// counts too.
	Code string
	Err  error
	// Failed says that the error is the service's and not the caller's.
	Failed bool
	// CacheKind and CacheOutcome say how the cache served the result; empty when there was none.
	CacheKind    string
	CacheOutcome rag.CacheOutcome
	// CacheLayer is the layer of the cache that had the result; empty when none had.
	CacheLayer string
	// CacheAge is how old a result of the cache was.
	CacheAge time.Duration
	// ModelTook is the time that the request waited for its answer to be written, by a model or from the cache.
	ModelTook time.Duration
	// Query is what the log tells of the query; nothing when there was none.
	Query logging.Query
}

// User is the caller in the log: the name of a key, or a hash.
func (i *RequestInfo) User() string { return UserID(i.Identity) }

// UserID is how the log names a caller.
func UserID(id rag.Identity) string { return strings.TrimPrefix(id.Name, keyCaller) }

// requestContext carries the RequestInfo in one value.
type requestContext struct {
	context.Context //nolint:containedctx // it is a context: one with its values in one allocation
	info            RequestInfo
}

type requestInfoKey struct{}

// Value finds the RequestInfo, or what the context below has.
func (c *requestContext) Value(key any) any {
	if key == (requestInfoKey{}) {
		return &c.info
	}
	return c.Context.Value(key)
}

// NoteModelTime notes, for the request of ctx if it is of one, that its answer was being written since began. The request's own goroutine
// calls it.
func NoteModelTime(ctx context.Context, began time.Time) {
	if info, ok := ctx.Value(requestInfoKey{}).(*RequestInfo); ok {
		info.ModelTook += time.Since(began)
	}
}

// Of is the RequestInfo of a request that came through Outside.
func Of(r *http.Request) *RequestInfo {
	info, ok := r.Context().Value(requestInfoKey{}).(*RequestInfo)
	if !ok {
		panic("middleware: the request did not come through Stack.Outside")
	}
	return info
}
