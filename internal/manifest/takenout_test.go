package manifest_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// A server-side apply that takes the last field out of a struct leaves null there, which the schema must take.
func TestFieldsCanBeTakenOutByServerSideApply(t *testing.T) {
	api := newClient(t)
	for _, tt := range []struct{ with, without string }{
		{"server: {podMetadata: {labels: {a: b}}}", "server: {}"},
		{"server: {replicas: 3, podMetadata: {labels: {a: b}}}", "server: {replicas: 3}"},
		{"server: {replicas: 3, podMetadata: {labels: {a: b}, annotations: {a: b}}}", "server: {replicas: 3, podMetadata: {labels: {a: b}}}"},
		{"server: {replicas: 3, podMetadata: {labels: {a: b}}}", "server: {replicas: 3, podMetadata: {}}"},
		{"server: {replicas: 3, cors: {allowedOrigins: ['*']}}", "server: {replicas: 3, cors: {}}"},
		{"server: {replicas: 3, service: {annotations: {a: b}}}", "server: {replicas: 3, service: {}}"},
		{"redis: {managed: {podMetadata: {labels: {a: b}}}}", "redis: {managed: {podMetadata: {}}}"},
		{"server: {replicas: 3, serviceAccountAnnotations: {a: b}}", "server: {replicas: 3}"},
		{"server: {replicas: 3, env: [{name: A}]}", "server: {replicas: 3}"},
		{"server: {replicas: 3, service: {type: NodePort, annotations: {a: b}}}", "server: {replicas: 3}"},
		{"server: {replicas: 3, service: {annotations: {a: b}}}", "server: {replicas: 3}"},
		{"server: {replicas: 3, cors: {allowedOrigins: ['*']}}", "server: {replicas: 3}"},
		{"redis: {managed: {cacheMemory: 1Gi, podMetadata: {labels: {a: b}}, serviceAccountAnnotations: {a: b}}}", "redis: {managed: {cacheMemory: 1Gi}}"},
		{"openSearch: {managed: {heap: 1Gi, podMetadata: {annotations: {a: b}}}}", "openSearch: {managed: {heap: 1Gi}}"},
	} {
		for _, spec := range []string{tt.with, tt.without} {
			object := &unstructured.Unstructured{}
			if err := yaml.Unmarshal([]byte(withSpec("taken-out", extractive+"  "+spec+"\n")), &object.Object); err != nil {
				t.Fatal(err)
			}
			object.SetNamespace(metav1.NamespaceDefault)
			if err := api.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(object), client.FieldOwner("test")); err != nil {
				t.Errorf("%s: %v", spec, err)
			}
		}
	}
}
