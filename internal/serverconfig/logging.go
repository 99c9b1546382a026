package serverconfig

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

func buildLogging(spec v1alpha1.LoggingSpec) (config.Logging, error) {
	slow, slowErr := duration("spec.logging.slowQueryThreshold", cmp.Or(spec.SlowQueryThreshold, defaultSlowQueryThreshold))
	volume, volumeErr := cmp.Or(spec.DailyVolumeLimit, defaultDailyVolumeLimit).Quantity()
	if volumeErr != nil {
		volumeErr = fmt.Errorf("spec.logging.dailyVolumeLimit: %w", volumeErr)
	}
	return config.Logging{
		Level:              string(spec.Level),
		LogQueries:         config.LogQueries(cmp.Or(spec.LogQueries, v1alpha1.LogQueriesHash)),
		SlowQueryThreshold: slow,
		DailyVolumeLimit:   volume.Value(),
	}, errors.Join(slowErr, volumeErr)
}
