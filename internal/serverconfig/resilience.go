package serverconfig

import (
	"cmp"
	"errors"

	"k8s.io/utils/ptr"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

// The schema's defaults of resilience, for an object that bypassed it.
const (
	defaultRetries        int32 = 3
	defaultInitialBackoff       = v1alpha1.Duration("1s")
	defaultFailures       int32 = 5
	defaultOpenFor              = v1alpha1.Duration("30s")
	defaultMaxInFlight    int32 = 256
	defaultQueueTimeout         = v1alpha1.Duration("2s")
)

func buildResilience(spec v1alpha1.ResilienceSpec) (config.Resilience, error) {
	backoff, backoffErr := duration("spec.resilience.initialBackoff", cmp.Or(spec.InitialBackoff, defaultInitialBackoff))
	open, openErr := duration("spec.resilience.circuitBreaker.openFor", cmp.Or(spec.CircuitBreaker.OpenFor, defaultOpenFor))
	queue, queueErr := duration("spec.resilience.queueTimeout", cmp.Or(spec.QueueTimeout, defaultQueueTimeout))
	return config.Resilience{
		Retries:        int(ptr.Deref(spec.Retries, defaultRetries)),
		InitialBackoff: backoff,
		Failures:       int(ptr.Deref(spec.CircuitBreaker.Failures, defaultFailures)),
		OpenFor:        open,
		MaxInFlight:    int(ptr.Deref(spec.MaxInFlight, defaultMaxInFlight)),
		QueueTimeout:   queue,
	}, errors.Join(backoffErr, openErr, queueErr)
}
