package middleware

import (
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// recoverPanic answers 500 for a handler that panics. When the answer has begun, the connection is cut instead, so that
// the client does not take a part for the whole.
func (s *Stack) recoverPanic(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if cause == http.ErrAbortHandler { //nolint:errorlint // net/http compares this value as well
				panic(cause)
			}
			s.Log.Write(r.Context(), logging.PanicRecovered{Panic: fmt.Sprint(cause), Stack: string(debug.Stack())})
			err := &rag.Error{Kind: rag.ErrRAG, Message: "panic", Cause: fmt.Errorf("%v", cause)}
			if answer, ok := w.(*recorder); ok && answer.started() {
				info := Of(r)
				info.Code, info.Err, info.Failed = rag.ErrRAG.Code, err, true
				panic(http.ErrAbortHandler)
			}
			s.Fail(w, r, err)
		}()
		next.ServeHTTP(w, r)
	})
}
