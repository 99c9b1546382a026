package manifest_test

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/manifest"
	"github.com/ragservice/ragservice-operator/internal/serverconfig"
)

// The rules of memory see resources as they are given, containers get them merged with defaults. Whatever is given, in whatever
// unit, what passes the rules fits its container and what does not is refused: no condition has to tell it later.
func TestRulesOfMemoryAgreeWithWhatContainersGet(t *testing.T) {
	api := newClient(t)
	var passed, refused int
	for _, part := range []struct {
		spec    string // with a place for resources and one for fields
		choices []string
		fits    func(*testing.T, *v1alpha1.RAGService) bool
	}{
		{
			"openSearch: {managed: {%s%s}}", []string{"", ", heap: 256Mi", ", heap: 1G", ", heap: 1Gi", ", heap: 1536M"},
			heapFits,
		},
		{
			"redis: {managed: {stateStorage: 64Mi, %s%s}}", []string{"", ", cacheMemory: 16Mi", ", cacheMemory: 820Mi", ", cacheMemory: 2G"},
			redisFits,
		},
		{
			"redis: {managed: {cacheMemory: 16Mi, %s%s}}",
			[]string{"", ", stateStorage: 64Mi", ", stateStorage: 2G", ", stateStorage: 2Gi", ", stateStorage: 1Ti"},
			redisFits,
		},
		{
			"server: {%s}\n  cache: {%s}",
			[]string{
				"", "local: {maxBytes: 1Mi}", "local: {maxBytes: 256Mi}", "local: {maxBytes: 300M}", "local: {maxBytes: 1Gi}",
				"enabled: false, local: {maxBytes: 1Gi}",
			},
			localCacheFits,
		},
	} {
		for _, fields := range part.choices {
			for _, resources := range someResources() {
				spec := fmt.Sprintf(part.spec, resources, fields)
				text := withSpec("memory", extractive+"  "+spec+"\n")
				var rag v1alpha1.RAGService
				if err := yaml.Unmarshal([]byte(text), &rag); err != nil {
					t.Fatal(err)
				}
				_, offlineErr := manifest.Load([]byte(text))
				apiErr := create(t, api, text, client.DryRunAll)
				fits := part.fits(t, &rag)
				if fits != (offlineErr == nil) || fits != (apiErr == nil) {
					t.Errorf("%s: fits: %t; offline: %v; API server: %v", spec, fits, offlineErr, apiErr)
				}
				if fits {
					passed++
				} else {
					refused++
				}
			}
		}
	}
	if passed < 100 || refused < 100 {
		t.Errorf("%d specs passed and %d were refused: the table is one-sided", passed, refused)
	}
}

// someResources are limits and requests of memory, of one of them, of neither, and of CPU alone.
func someResources() []string {
	amounts := []string{"", "100Mi", "512Mi", "0.5Gi", "600e6", "1073741823", "'1073741824'", "1Gi", "1025Mi", "2147483648000m", "2Gi", "4G"}
	all := []string{"resources: {}", "resources: {limits: {cpu: 1}}", "resources: {requests: {cpu: 1}}"}
	for _, limit := range amounts {
		for _, request := range []string{"", "64Mi"} {
			var lists []string
			if limit != "" {
				lists = append(lists, "limits: {memory: "+limit+"}")
			}
			if request != "" {
				lists = append(lists, "requests: {memory: "+request+"}")
			}
			all = append(all, "resources: {"+strings.Join(lists, ", ")+"}")
		}
	}
	return all
}

// atLeast says whether a container with the resources may use the bytes; without a limit it may use any.
func atLeast(r corev1.ResourceRequirements, bytes float64) bool {
	limit, limited := r.Limits[corev1.ResourceMemory]
	return !limited || limit.AsApproximateFloat64() >= bytes
}

func heapFits(t *testing.T, rag *v1alpha1.RAGService) bool {
	t.Helper()
	managed, err := serverconfig.ManagedOpenSearch(rag)
	if err != nil {
		t.Fatal(err)
	}
	heap := resource.MustParse(string(managed.Heap))
	return atLeast(*managed.Resources, 2*heap.AsApproximateFloat64())
}

func redisFits(t *testing.T, rag *v1alpha1.RAGService) bool {
	t.Helper()
	cache, err := serverconfig.RedisCache(rag)
	if err != nil {
		t.Fatal(err)
	}
	state, err := serverconfig.RedisState(rag)
	if err != nil {
		t.Fatal(err)
	}
	if 4*state.MaxMemory.Value() > state.Storage.Value() {
		t.Errorf("of a volume of %s the buckets may take %s", state.Storage.String(), state.MaxMemory.String())
	}
	return atLeast(cache.Resources, 1.25*cache.MaxMemory.AsApproximateFloat64()) && atLeast(state.Resources, 2*state.MaxMemory.AsApproximateFloat64())
}

func localCacheFits(t *testing.T, rag *v1alpha1.RAGService) bool {
	t.Helper()
	if enabled := rag.Spec.Cache.Enabled; enabled != nil && !*enabled {
		return true
	}
	given := rag.Spec.Cache.Local.MaxBytes
	if given == "" {
		given = "64Mi"
	}
	maxBytes := resource.MustParse(string(given))
	return atLeast(serverconfig.ServerResources(rag), 2*maxBytes.AsApproximateFloat64())
}
