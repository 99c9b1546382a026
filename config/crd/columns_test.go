package crd_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// column is a column as kubectl get prints it; wide ones need -o wide.
type column struct {
	Name  string
	Wide  bool
	Value any
}

func TestColumns(t *testing.T) {
	cfg, c := apiServer(t)
	status := ready()
	status.ReadyReplicas = new(int32(1))
	withStatus(t, c, "columns", status)
	table := tableOf(t, cfg, "columns")
	var got []column
	for i, definition := range table.ColumnDefinitions {
		value := table.Rows[0].Cells[i]
		if definition.Name == "Age" {
			value = nil // it moves
		}
		got = append(got, column{definition.Name, definition.Priority > 0, value})
	}
	want := []column{
		{"Name", false, "columns"},
		{"Ready", false, "True"},
		{"Reason", true, "Ready"},
		{"Desired", false, float64(2)},
		{"Available", false, float64(1)},
		{"Hit rate", false, "45"},
		{"LLM", true, "Extractive"},
		{"Endpoint", false, "http://papers-server.default.svc"},
		{"Age", false, nil},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestGetAll: a RAGService is not among what kubectl get all lists; it has its name and a short one.
func TestGetAll(t *testing.T) {
	cfg, c := apiServer(t)
	create(t, c, "listed", extractive)
	k := newKubectl(t, cfg)
	for what, listed := range map[string]bool{"all": false, "rag": true, "ragservice": true} {
		if got := strings.Contains(k.run(t, "", "get", what), "listed"); got != listed {
			t.Errorf("kubectl get %s lists it: %t, want %t", what, got, listed)
		}
	}
}

func tableOf(t *testing.T, cfg *rest.Config, name string) metav1.Table {
	t.Helper()
	cfg = rest.CopyConfig(cfg)
	cfg.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	c, err := rest.UnversionedRESTClientFor(cfg)
	if err != nil {
		t.Fatal(err)
	}
	data, err := c.Get().AbsPath("/apis/ragservice.dev/v1alpha1/namespaces/default/ragservices/"+name).
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var table metav1.Table
	if err := json.Unmarshal(data, &table); err != nil {
		t.Fatal(err)
	}
	return table
}
