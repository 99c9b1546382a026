package desired_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
)

func TestStorageClass(t *testing.T) {
	t.Parallel()
	both := func(class string) map[desired.Component]desired.StatefulSet {
		set := desired.StatefulSet{Volume: &desired.VolumeTemplate{Class: class}}
		return map[desired.Component]desired.StatefulSet{desired.ComponentRedisState: set, desired.ComponentOpenSearch: set}
	}
	for name, tt := range map[string]struct {
		spec     *string
		existing map[desired.Component]desired.StatefulSet
		flag     string
		want     string
	}{
		"nobody says":                   {want: ""},
		"the operator":                  {flag: "flag", want: "flag"},
		"the spec, before the operator": {spec: new("spec"), flag: "flag", want: "spec"},
		"what exists":                   {existing: both("was"), flag: "flag", want: "was"},
		"what exists, with the default": {existing: both(""), flag: "flag", want: ""},
		"the spec, before what existed": {spec: new("spec"), existing: both("was"), want: "spec"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rag := desiredtest.Smallest()
			rag.Spec.Redis.Managed = &v1alpha1.ManagedRedis{StorageClassName: tt.spec}
			rag.Spec.OpenSearch.Managed = &v1alpha1.ManagedOpenSearch{StorageClassName: tt.spec}
			in := desiredtest.Inputs(rag)
			in.Operator.StorageClass, in.StatefulSets = tt.flag, tt.existing
			plan := build(t, in)
			for _, set := range []string{"papers-redis-state", "papers-opensearch"} {
				got := find[appsv1.StatefulSet](t, plan, "StatefulSet", set).Spec.VolumeClaimTemplates[0].Spec.StorageClassName
				if got == nil && tt.want != "" || got != nil && *got != tt.want {
					t.Errorf("%s has class %v, want %q", set, got, tt.want)
				}
			}
		})
	}
}
