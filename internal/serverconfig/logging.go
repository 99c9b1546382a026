package serverconfig

import (
	"cmp"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

func buildLogging(spec v1alpha1.LoggingSpec) (config.Logging, error) {
	slow, err := duration("spec.logging.slowQueryThreshold", cmp.Or(spec.SlowQueryThreshold, defaultSlowQueryThreshold))
	return config.Logging{
		Level:              string(spec.Level),
		LogQueries:         config.LogQueries(cmp.Or(spec.LogQueries, v1alpha1.LogQueriesHash)),
		SlowQueryThreshold: slow,
	}, err
}
