package manifest_test

import (
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/ragservice/ragservice-operator/internal/manifest"
	"github.com/ragservice/ragservice-operator/internal/serverconfig"
)

func TestExamplesAreValid(t *testing.T) {
	var files []string
	for _, pattern := range []string{"../../examples/*.yaml", "../../config/samples/ragservice_*.yaml"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 3 {
		t.Fatalf("found only %v", files)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) { loadFile(t, path) })
	}
}

// TestDemoFitsASmallMachine: two cores also carry the cluster itself and its operator.
func TestDemoFitsASmallMachine(t *testing.T) {
	rag := loadFile(t, "../../examples/demo.yaml").Service
	cache, err := serverconfig.RedisCache(rag)
	if err != nil {
		t.Fatal(err)
	}
	state, err := serverconfig.RedisState(rag)
	if err != nil {
		t.Fatal(err)
	}
	openSearch, err := serverconfig.ManagedOpenSearch(rag)
	if err != nil {
		t.Fatal(err)
	}
	server := serverconfig.ServerResources(rag)
	total := resource.Quantity{}
	for _, part := range []struct {
		pods      int32
		resources corev1.ResourceRequirements
	}{{ptr.Deref(rag.Spec.Server.Replicas, 0), server}, {1, cache.Resources}, {1, state.Resources}, {1, *openSearch.Resources}} {
		for range part.pods {
			total.Add(part.resources.Requests[corev1.ResourceCPU])
		}
	}
	if limit := resource.MustParse("1200m"); total.Cmp(limit) >= 0 {
		t.Errorf("the demo asks for %s CPU, want less than %s", total.String(), limit.String())
	}
}

func loadFile(t *testing.T, path string) manifest.Manifest {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
