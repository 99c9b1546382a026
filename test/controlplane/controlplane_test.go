package controlplane_test

import (
	"os"
	"path/filepath"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"

	"github.com/ragservice/ragservice-operator/test/controlplane"
)

const definition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.backends.ragservice.dev}
spec:
  group: backends.ragservice.dev
  names: {kind: Thing, listKind: ThingList, plural: things, singular: thing}
  scope: Namespaced
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
`

func TestControlPlaneServesTheDefinitionsGiven(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "definition.yaml")
	if err := os.WriteFile(path, []byte(definition), 0o600); err != nil {
		t.Fatal(err)
	}
	client, err := discovery.NewDiscoveryClientForConfig(controlplane.Start(t, path))
	if err != nil {
		t.Fatal(err)
	}
	version, err := client.ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	// The oldest API server that the product supports, so that no newer field or CEL function slips in.
	if version.Major != "1" || version.Minor != "35" {
		t.Errorf("API server %s, want 1.35", version.GitVersion)
	}
	resources, err := client.ServerResourcesForGroupVersion("backends.ragservice.dev/v1")
	if err != nil {
		t.Fatal(err)
	}
	if names := resourceNames(resources); len(names) != 1 || names[0] != "things" {
		t.Errorf("resources %v, want things", names)
	}
}

func resourceNames(list *metav1.APIResourceList) []string {
	names := make([]string, 0, len(list.APIResources))
	for i := range list.APIResources {
		names = append(names, list.APIResources[i].Name)
	}
	return names
}
