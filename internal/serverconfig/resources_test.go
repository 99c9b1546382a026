package serverconfig_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/serverconfig"
)

// TestManagedDefaultsAreTheSchemas holds the two places of these defaults together: leaving managed out and leaving it
// empty are the same.
func TestManagedDefaultsAreTheSchemas(t *testing.T) {
	absent, empty := load(t, extractive), load(t, extractive+"  redis: {managed: {}}\n  openSearch: {managed: {}}\n")
	if absent.Spec.Redis.Managed != nil || absent.Spec.OpenSearch.Managed != nil {
		t.Error("the schema's defaults choose a member of a union: a later choice of another would break it")
	}
	for _, rag := range []*v1alpha1.RAGService{absent, empty} {
		cache, state := redis(t, rag)
		want := serverconfig.RedisInstance{MaxMemory: resource.MustParse("256Mi"), Resources: *resources("50m", "1", "384Mi")}
		if diff := cmp.Diff(want, cache); diff != "" {
			t.Errorf("Redis for the cache (-want +got):\n%s", diff)
		}
		want = serverconfig.RedisInstance{
			MaxMemory: resource.MustParse("256Mi"), Resources: *resources("50m", "1", "512Mi"), Storage: resource.MustParse("1Gi"),
		}
		if diff := cmp.Diff(want, state); diff != "" {
			t.Errorf("Redis for the buckets (-want +got):\n%s", diff)
		}
		openSearch, err := serverconfig.ManagedOpenSearch(rag)
		if err != nil {
			t.Fatal(err)
		}
		wantOpenSearch := v1alpha1.ManagedOpenSearch{Nodes: new(int32(1)), Heap: "512Mi", Storage: "10Gi", Resources: resources("250m", "2", "1Gi")}
		if diff := cmp.Diff(wantOpenSearch, openSearch); diff != "" {
			t.Errorf("OpenSearch (-want +got):\n%s", diff)
		}
	}
}

func TestManagedAsGiven(t *testing.T) {
	rag := load(t, extractive+`  redis: {managed: {image: r, cacheMemory: 1G, stateStorage: 8Gi, storageClassName: fast, resources: {requests: {cpu: 1}}}}
  openSearch: {managed: {image: o, heap: 1Gi, storage: 3Gi, storageClassName: fast}}
`)
	before := rag.DeepCopy()
	class := "fast"
	cache, state := redis(t, rag)
	want := serverconfig.RedisInstance{Image: "r", MaxMemory: resource.MustParse("1G"), Resources: oneCPU("1500M")}
	if diff := cmp.Diff(want, cache); diff != "" {
		t.Errorf("Redis for the cache (-want +got):\n%s", diff)
	}
	want = serverconfig.RedisInstance{
		Image: "r", MaxMemory: resource.MustParse("1Gi"), Resources: oneCPU("2Gi"), Storage: resource.MustParse("8Gi"), StorageClassName: &class,
	}
	if diff := cmp.Diff(want, state); diff != "" {
		t.Errorf("Redis for the buckets (-want +got):\n%s", diff)
	}
	openSearch, err := serverconfig.ManagedOpenSearch(rag)
	if err != nil {
		t.Fatal(err)
	}
	wantOpenSearch := v1alpha1.ManagedOpenSearch{Nodes: new(int32(1)), Image: "o", Heap: "1Gi", Storage: "3Gi", StorageClassName: &class, Resources: resources("250m", "2", "2Gi")}
	if diff := cmp.Diff(wantOpenSearch, openSearch); diff != "" {
		t.Errorf("OpenSearch (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, rag); diff != "" {
		t.Errorf("the RAGService changed:\n%s", diff)
	}
}

func TestServerResources(t *testing.T) {
	for name, test := range map[string]struct {
		given, requests, limits string // of resources; "cpu memory"
	}{
		"by default":             {"", "100m 128Mi", "2 512Mi"},
		"nothing":                {"{}", "100m 128Mi", "2 512Mi"},
		"a limit of memory":      {"{limits: {memory: 1Gi}}", "100m ", "2 1Gi"},
		"a request of CPU":       {"{requests: {cpu: 500m}}", "500m 128Mi", " 512Mi"},
		"both of both":           {"{requests: {cpu: 1, memory: 1Gi}, limits: {cpu: 3, memory: 2Gi}}", "1 1Gi", "3 2Gi"},
		"requests of everything": {"{requests: {cpu: 1, memory: 1Gi}}", "1 1Gi", " "},
	} {
		manifest := extractive
		if test.given != "" {
			manifest += "  server: {resources: " + test.given + "}\n"
		}
		got := serverconfig.ServerResources(load(t, manifest))
		if requests, limits := list(got.Requests), list(got.Limits); requests != test.requests || limits != test.limits {
			t.Errorf("%s: requests %q, limits %q; want %q and %q", name, requests, limits, test.requests, test.limits)
		}
	}
	given := serverconfig.ServerResources(load(t, extractive+"  server: {resources: {requests: {example.com/gpu: 1}, limits: {example.com/gpu: 1}}}\n"))
	if list(given.Requests) != "100m 128Mi" || given.Requests["example.com/gpu"] != resource.MustParse("1") {
		t.Errorf("another resource: %v", given)
	}
}

// list is "cpu memory", each empty where there is none.
func list(r corev1.ResourceList) string {
	var words [2]string
	for i, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		if quantity, ok := r[name]; ok {
			words[i] = quantity.String()
		}
	}
	return words[0] + " " + words[1]
}

func resources(cpu, cpuLimit, memory string) *corev1.ResourceRequirements {
	return &corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)},
		Limits:   corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpuLimit), corev1.ResourceMemory: resource.MustParse(memory)},
	}
}

// oneCPU are resources of which the CPU is given and the memory is not.
func oneCPU(memory string) corev1.ResourceRequirements {
	return corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1"), corev1.ResourceMemory: resource.MustParse(memory)},
		Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(memory)},
	}
}

func redis(t *testing.T, rag *v1alpha1.RAGService) (cache, state serverconfig.RedisInstance) {
	t.Helper()
	cache, err := serverconfig.RedisCache(rag)
	if err != nil {
		t.Fatal(err)
	}
	if state, err = serverconfig.RedisState(rag); err != nil {
		t.Fatal(err)
	}
	return cache, state
}
