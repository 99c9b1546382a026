package desired_test

import (
	"regexp"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
)

// What the cache may keep is as given; what the buckets may take fits their volume, and has nothing to do with the cache.
func TestMemoryOfRedis(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		memory, storage        v1alpha1.Quantity
		wantCache, wantBuckets string
	}{
		{"256Mi", "1Gi", "268435456", "268435456"},
		{"8Gi", "1Gi", "8589934592", "268435456"},
		{"16Mi", "64Mi", "16777216", "16777216"},
		{"16Mi", "4Gi", "16777216", "1073741824"},
		{"16Mi", "1Ti", "16777216", "1073741824"},
	} {
		rag := desiredtest.Smallest()
		rag.Spec.Redis.Managed = &v1alpha1.ManagedRedis{CacheMemory: tt.memory, StateStorage: tt.storage}
		plan := build(t, desiredtest.Inputs(rag))
		for name, want := range map[string]string{"papers-redis-cache": tt.wantCache, "papers-redis-state": tt.wantBuckets} {
			conf := find[corev1.ConfigMap](t, plan, "ConfigMap", name).Data["redis.conf"]
			if got := regexp.MustCompile(`(?m)^maxmemory (\d+)$`).FindStringSubmatch(conf); len(got) != 2 || got[1] != want {
				t.Errorf("memory %s, storage %s: %s has maxmemory %q, want %s", tt.memory, tt.storage, name, got, want)
			}
		}
	}
}
