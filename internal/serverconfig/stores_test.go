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
		redis, err := serverconfig.ManagedRedis(rag)
		if err != nil {
			t.Fatal(err)
		}
		want := v1alpha1.ManagedRedis{Memory: "256Mi", StateStorage: "1Gi", Resources: resources("50m", "512Mi")}
		if diff := cmp.Diff(want, redis); diff != "" {
			t.Errorf("Redis (-want +got):\n%s", diff)
		}
		openSearch, err := serverconfig.ManagedOpenSearch(rag)
		if err != nil {
			t.Fatal(err)
		}
		wantOpenSearch := v1alpha1.ManagedOpenSearch{Heap: "512Mi", Storage: "10Gi", Resources: resources("250m", "1Gi")}
		if diff := cmp.Diff(wantOpenSearch, openSearch); diff != "" {
			t.Errorf("OpenSearch (-want +got):\n%s", diff)
		}
	}
}

func TestManagedAsGiven(t *testing.T) {
	rag := load(t, extractive+`  redis: {managed: {image: r, memory: 1G, stateStorage: 2Gi, resources: {requests: {cpu: 1}}}}
  openSearch: {managed: {image: o, heap: 1Gi, storage: 3Gi, storageClassName: fast}}
`)
	before := rag.DeepCopy()
	redis, err := serverconfig.ManagedRedis(rag)
	if err != nil {
		t.Fatal(err)
	}
	want := v1alpha1.ManagedRedis{
		Image: "r", Memory: "1G", StateStorage: "2Gi",
		Resources: &corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1")}},
	}
	if diff := cmp.Diff(want, redis); diff != "" {
		t.Errorf("Redis (-want +got):\n%s", diff)
	}
	openSearch, err := serverconfig.ManagedOpenSearch(rag)
	if err != nil {
		t.Fatal(err)
	}
	class := "fast"
	wantOpenSearch := v1alpha1.ManagedOpenSearch{Image: "o", Heap: "1Gi", Storage: "3Gi", StorageClassName: &class, Resources: resources("250m", "2Gi")}
	if diff := cmp.Diff(wantOpenSearch, openSearch); diff != "" {
		t.Errorf("OpenSearch (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, rag); diff != "" {
		t.Errorf("the RAGService changed:\n%s", diff)
	}
}

func TestServerResources(t *testing.T) {
	got := serverconfig.ServerResources(load(t, extractive))
	want := corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("128Mi")},
		Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("512Mi")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("default (-want +got):\n%s", diff)
	}
	got = serverconfig.ServerResources(load(t, extractive+"  server: {resources: {limits: {memory: 1Gi}}}\n"))
	want = corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi")}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("given (-want +got):\n%s", diff)
	}
}

func resources(cpu, memory string) *corev1.ResourceRequirements {
	return &corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: resource.MustParse(memory)},
		Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(memory)},
	}
}
