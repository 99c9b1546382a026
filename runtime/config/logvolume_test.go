package config_test

import (
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

func TestAServersShareOfTheLog(t *testing.T) {
	for _, tt := range []struct {
		limit, share int64
		replicas     int
	}{
		{limit: 90, replicas: 3, share: 30},
		{limit: 90, replicas: 1, share: 90},
		{limit: 2, replicas: 3, share: 1}, // 0 would be no limit
		{limit: 0, replicas: 3, share: 0},
	} {
		c := config.Config{Service: config.Service{Replicas: tt.replicas}, Logging: config.Logging{DailyVolumeLimit: tt.limit}}
		if got := c.DailyLogVolume(); got != tt.share {
			t.Errorf("%d of %d servers: %d, want %d", tt.limit, tt.replicas, got, tt.share)
		}
	}
}
