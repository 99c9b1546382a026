package httpapi

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/ragservice/ragservice-operator/runtime/middleware"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// handler answers a request. It may return an error as long as it has answered nothing. It calls admit once, when the
// request was read and found valid and before any work: what is refused before costs the caller nothing.
type handler func(w http.ResponseWriter, r *http.Request, admit admission) error

// admission takes a request from the limits of its route. The pipeline is handed it as rag.RequestOptions.Admit.
type admission func(ctx context.Context, cache rag.CacheInfo) error

// serve runs a route's handler.
func serve(rt route, limits *middleware.Limits) http.Handler {
	run := func(w http.ResponseWriter, r *http.Request) error {
		if err := checkParams(r, rt.params); err != nil {
			return err
		}
		return rt.handle(w, r, func(context.Context, rag.CacheInfo) error { return limits.Take(w, r, rt.limit) })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := run(w, r); err != nil {
			fail(w, r, err)
		}
	})
}

// checkParams refuses query parameters that the route does not know: a misspelt refresh=false must not be overlooked.
func checkParams(r *http.Request, known []string) error {
	params, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return rag.Invalid(rag.FieldError{Field: "?", Reason: "is not a well-formed query string"})
	}
	var faults faults
	for _, name := range slices.Sorted(maps.Keys(params)) {
		switch {
		case name != "tenant" && !slices.Contains(known, name):
			faults.add(name, "is not a known query parameter")
		case len(params[name]) > 1:
			faults.add(name, "must be given once")
		}
	}
	return faults.err()
}

// flag reads a query parameter that is true or false.
func flag(r *http.Request, name string, byDefault bool) (bool, error) {
	switch value := r.URL.Query().Get(name); {
	case !r.URL.Query().Has(name):
		return byDefault, nil
	case value == "true":
		return true, nil
	case value == "false":
		return false, nil
	default:
		return false, rag.Invalid(rag.FieldError{Field: name, Reason: "must be true or false"})
	}
}

// matchOrFail answers what matches no route with the envelope. ServeMux by itself would answer in plain text, and
// redirect paths that are not clean.
func matchOrFail(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" && isClean(r.URL) {
			mux.ServeHTTP(w, r)
			return
		}
		if allowed := allowedMethods(mux, r); len(allowed) > 0 {
			w.Header().Set("Allow", strings.Join(allowed, ", "))
			fail(w, r, &rag.Error{Kind: errMethodNotAllowed, Message: fmt.Sprintf("use %s here", strings.Join(allowed, " or "))})
			return
		}
		fail(w, r, &rag.Error{Kind: errNotFound, Message: "there is nothing at this path"})
	})
}

func isClean(u *url.URL) bool { return path.Clean(u.EscapedPath()) == u.EscapedPath() }

// allowedMethods are those with which the path of r matches a route.
func allowedMethods(mux *http.ServeMux, r *http.Request) []string {
	var allowed []string
	if !isClean(r.URL) {
		return nil
	}
	for _, method := range []string{http.MethodDelete, http.MethodGet, http.MethodHead, http.MethodPost} {
		other := &http.Request{Method: method, Host: r.Host, URL: r.URL}
		if _, pattern := mux.Handler(other); pattern != "" {
			allowed = append(allowed, method)
		}
	}
	return allowed
}
