// Package resilience keeps a dependency that fails from taking its callers with it: a circuit breaker for any
// dependency, and a guard around Redis that bounds what a request may wait for it.
package resilience
