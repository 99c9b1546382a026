package manifest_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	"github.com/ragservice/ragservice-operator/config/crd"
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
		t.Run(filepath.Base(path), func(t *testing.T) {
			for _, document := range documentsOf(t, path) {
				if _, err := manifest.Load(document); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// documentsOf are the documents of a file, each a RAGService of its own.
func documentsOf(t *testing.T, path string) [][]byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	documents := bytes.Split(data, []byte("\n---\n"))
	return slices.DeleteFunc(documents, func(d []byte) bool { return !bytes.Contains(d, []byte("kind: RAGService")) }) // a comment before
}

// TestEverythingIsAnExample: examples/everything.yaml sets every field of the schema.
func TestEverythingIsAnExample(t *testing.T) {
	var definition apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(crd.RAGService, &definition); err != nil {
		t.Fatal(err)
	}
	schema := definition.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
	var specs []any
	for _, document := range documentsOf(t, "../../examples/everything.yaml") {
		var service struct{ Spec any }
		if err := yaml.Unmarshal(document, &service); err != nil {
			t.Fatal(err)
		}
		specs = append(specs, service.Spec)
	}
	for _, path := range unset("spec", &schema, specs) {
		t.Errorf("no example of %s", path)
	}
}

// unset are the fields of a schema that none of the values sets. Types of Kubernetes itself count as one field.
func unset(path string, schema *apiextensionsv1.JSONSchemaProps, values []any) (missing []string) {
	if len(values) == 0 {
		return []string{path}
	}
	switch {
	case slices.Contains([]string{"affinity", "tolerations", "topologySpreadConstraints", "resources", "namespaceSelector", "podSelector"}, path[strings.LastIndex(path, ".")+1:]):
		return nil
	case schema.Type == "array":
		var items []any
		for _, v := range values {
			list, _ := v.([]any)
			items = append(items, list...)
		}
		return unset(path+"[]", schema.Items.Schema, items)
	}
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		var given []any
		for _, v := range values {
			if fields, ok := v.(map[string]any); ok && fields[name] != nil {
				given = append(given, fields[name])
			}
		}
		property := schema.Properties[name]
		missing = append(missing, unset(path+"."+name, &property, given)...)
	}
	return missing
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
