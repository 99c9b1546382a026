package httpapi

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// newRouter finds the handler of a request, and answers what has none with the envelope. ServeMux by itself would answer
// in plain text, and redirect paths that are not clean.
func newRouter(paths map[string]methods) http.Handler {
	mux := http.NewServeMux()
	for path, methods := range paths {
		mux.Handle(path, methods)
	}
	mux.HandleFunc("/", notFound)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isClean(r.URL) {
			notFound(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func notFound(w http.ResponseWriter, r *http.Request) {
	fail(w, r, &rag.Error{Kind: errNotFound, Message: "there is nothing at this path"})
}

func isClean(u *url.URL) bool { return path.Clean(u.EscapedPath()) == u.EscapedPath() }

// methods are the handlers of a path. Whoever may GET may ask for the head as well.
type methods map[string]http.Handler

// ServeHTTP implements http.Handler.
func (m methods) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if h, ok := m[method]; ok {
		h.ServeHTTP(w, r)
		return
	}
	allowed := slices.Sorted(maps.Keys(m))
	if m[http.MethodGet] != nil {
		allowed = append(allowed, http.MethodHead)
		slices.Sort(allowed)
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	fail(w, r, &rag.Error{Kind: errMethodNotAllowed, Message: fmt.Sprintf("use %s here", strings.Join(allowed, " or "))})
}
