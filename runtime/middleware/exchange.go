package middleware

import (
	"context"
	"net/http"
	"time"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// Exchange is what is learned of a request on its way through the layers. The access log tells it at the end.
type Exchange struct {
	RequestID string
	// Route is the pattern of the table of routes that matched; empty when none did.
	Route string
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
	// CacheAge is how old a result of the cache was.
	CacheAge time.Duration
	// QueryHash stands for the query in the log; empty when there was none.
	QueryHash string
}

type exchangeKey struct{}

// Of is the exchange of a request that came through Outside.
func Of(r *http.Request) *Exchange {
	e, ok := r.Context().Value(exchangeKey{}).(*Exchange)
	if !ok {
		panic("middleware: the request did not come through Stack.Outside")
	}
	return e
}

func withExchange(ctx context.Context, e *Exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, e)
}

// name notes the route that matched.
func name(route string) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			Of(r).Route = route
			next.ServeHTTP(w, r)
		})
	}
}
