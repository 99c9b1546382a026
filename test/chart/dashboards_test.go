package chart

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

var dashboards = []string{"api-performance", "business-and-cost", "cache-performance", "system-health"}

const (
	served      = "grafana.integreatly.org/v1beta1/GrafanaDashboard"
	objectsName = "operator-ragservice-operator-"
)

// TestDashboards: each is in a ConfigMap as it is in the repository, and grafana-operator is told of it where it is.
func TestDashboards(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		values          []string
		maps, operated  bool
		namespace       string
		folder, sidecar any
	}{
		"as they are": {maps: true, operated: true, namespace: "there", folder: "RAGService", sidecar: "1"},
		"elsewhere": {
			values: []string{
				"dashboards.namespace=grafana", "dashboards.folder=", "dashboards.labels.grafana_dashboard=null", "dashboards.labels.team=search",
			},
			maps: true, operated: true, namespace: "grafana",
		},
		"without grafana-operator": {values: []string{"dashboards.grafanaOperator.enabled=false"}, maps: true, namespace: "there", folder: "RAGService", sidecar: "1"},
		"none":                     {values: []string{"dashboards.enabled=false"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			with, without := renderServed(t, served, test.values...), render(t, test.values...)
			for _, dashboard := range dashboards {
				made := without["ConfigMap "+objectsName+dashboard]
				if (made != nil) != test.maps || (with["GrafanaDashboard "+objectsName+dashboard] != nil) != test.operated {
					t.Fatalf("%s: a ConfigMap %t, a GrafanaDashboard %t", dashboard, made != nil, with["GrafanaDashboard "+objectsName+dashboard] != nil)
				}
				if without["GrafanaDashboard "+objectsName+dashboard] != nil {
					t.Errorf("%s: a GrafanaDashboard that the API server would refuse", dashboard)
				}
				if !test.maps {
					continue
				}
				annotation, _, _ := unstructured.NestedFieldNoCopy(made.Object, "metadata", "annotations", "grafana_folder")
				label, _, _ := unstructured.NestedFieldNoCopy(made.Object, "metadata", "labels", "grafana_dashboard")
				if made.GetNamespace() != test.namespace || annotation != test.folder || label != test.sidecar {
					t.Errorf("%s: in namespace %s, folder %v, label %v", dashboard, made.GetNamespace(), annotation, label)
				}
				checkContent(t, made, dashboard)
				if test.operated {
					checkOperated(t, with["GrafanaDashboard "+objectsName+dashboard], dashboard, test.namespace, test.folder)
				}
			}
		})
	}
}

func checkContent(t *testing.T, made *unstructured.Unstructured, dashboard string) {
	t.Helper()
	content, _, _ := unstructured.NestedString(made.Object, "data", "ragservice-"+dashboard+".json")
	file, err := os.ReadFile(filepath.Join("..", "..", "dashboards", dashboard+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := json.Unmarshal([]byte(content), &got); err != nil {
		t.Fatalf("%s: %v", dashboard, err)
	}
	if err := json.Unmarshal(file, &want); err != nil {
		t.Fatal(err)
	}
	if difference := cmp.Diff(want, got); difference != "" {
		t.Errorf("%s is not what the repository has: %s", dashboard, difference)
	}
}

func checkOperated(t *testing.T, operated *unstructured.Unstructured, dashboard, namespace string, folder any) {
	t.Helper()
	want := map[string]any{
		"instanceSelector":          map[string]any{"matchLabels": map[string]any{"dashboards": "grafana"}},
		"allowCrossNamespaceImport": true,
		"configMapRef":              map[string]any{"name": objectsName + dashboard, "key": "ragservice-" + dashboard + ".json"},
	}
	if folder != nil {
		want["folder"] = folder
	}
	if difference := cmp.Diff(want, operated.Object["spec"]); difference != "" || operated.GetNamespace() != namespace {
		t.Errorf("%s in namespace %s: %s", dashboard, operated.GetNamespace(), difference)
	}
}

// TestReleaseFits: Helm keeps a release, the chart's files and what it made of them, compressed in one Secret of at most 1 MiB, in base64 twice.
func TestReleaseFits(t *testing.T) {
	t.Parallel()
	var all bytes.Buffer
	packed := gzip.NewWriter(&all)
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		_, err = packed.Write(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := packed.Write([]byte(helm(t, "template", "operator", folder, "--api-versions", served))); err != nil {
		t.Fatal(err)
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	if size := all.Len() * 16 / 9; size > 600_000 {
		t.Errorf("a release takes %d bytes of a Secret", size)
	}
}

// renderServed is render for an API server that serves a kind.
func renderServed(t *testing.T, kind string, values ...string) map[string]*unstructured.Unstructured {
	t.Helper()
	return renderWith(t, []string{"--api-versions", kind}, values...)
}
