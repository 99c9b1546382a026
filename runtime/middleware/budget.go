package middleware

import (
	"net/http"

	"github.com/ragservice/ragservice-operator/runtime/resilience"
)

// budgetRedis bounds what the request waits for Redis, over limits and cache together.
func budgetRedis(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next.ServeHTTP(w, r.WithContext(resilience.WithRedisBudget(r.Context())))
	})
}
