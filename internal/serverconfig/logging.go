package serverconfig

import (
	"cmp"
	"errors"
	"fmt"

	"k8s.io/utils/ptr"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

func buildLogging(spec v1alpha1.LoggingSpec) (config.Logging, error) {
	slow, slowErr := duration("spec.logging.slowQueryThreshold", cmp.Or(spec.SlowQueryThreshold, defaultSlowQueryThreshold))
	volume, volumeErr := cmp.Or(spec.DailyVolumeLimit, defaultDailyVolumeLimit).Quantity()
	if volumeErr != nil {
		volumeErr = fmt.Errorf("spec.logging.dailyVolumeLimit: %w", volumeErr)
	}
	file, fileErr := buildLogFile(spec.File)
	return config.Logging{
		Level:              string(spec.Level),
		LogQueries:         config.LogQueries(cmp.Or(spec.LogQueries, v1alpha1.LogQueriesHash)),
		SlowQueryThreshold: slow,
		DailyVolumeLimit:   volume.Value(),
		File:               file,
	}, errors.Join(slowErr, volumeErr, fileErr)
}

func buildLogFile(spec v1alpha1.LogFileSpec) (config.LogFile, error) {
	if !ptr.Deref(spec.Enabled, false) {
		return config.LogFile{}, nil
	}
	most, err := cmp.Or(spec.MaxBytes, defaultLogFileMaxBytes).Quantity()
	if err != nil {
		return config.LogFile{}, fmt.Errorf("spec.logging.file.maxBytes: %w", err)
	}
	return config.LogFile{Enabled: true, MaxBytes: most.Value()}, nil
}
