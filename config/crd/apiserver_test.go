package crd_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/test/controlplane"
)

// These tests ask a real API server how it reads the CustomResourceDefinition. That it installs at all shows that every
// rule compiles and stays within the API server's cost budget. The rules on one manifest are tested in
// internal/manifest, through both readers.

const extractive = "models: {llm: {provider: Extractive}}\n"

func apiServer(t *testing.T) (*rest.Config, client.Client) {
	t.Helper()
	cfg := controlplane.Start(t, "bases")
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	c, err := client.New(cfg, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return cfg, c
}

// manifest is a RAGService in the namespace "default" with a spec in YAML.
func manifest(t *testing.T, name, spec string) *unstructured.Unstructured {
	t.Helper()
	var fields map[string]any
	if err := yaml.Unmarshal([]byte(spec), &fields); err != nil {
		t.Fatal(err)
	}
	object := &unstructured.Unstructured{Object: map[string]any{"spec": fields}}
	object.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("RAGService"))
	object.SetNamespace(metav1.NamespaceDefault)
	object.SetName(name)
	return object
}

func create(t *testing.T, c client.Client, name, spec string) *unstructured.Unstructured {
	t.Helper()
	object := manifest(t, name, spec)
	if err := c.Create(context.Background(), object); err != nil {
		t.Fatal(err)
	}
	return object
}

// refusals are the fields that an answer of the API server names, with the types of the errors.
func refusals(err error) []string {
	var status *apierrors.StatusError
	if err == nil || !errors.As(err, &status) || status.ErrStatus.Details == nil {
		return nil
	}
	var found []string
	for _, c := range status.ErrStatus.Details.Causes {
		found = append(found, fmt.Sprintf("%s %s", c.Field, c.Type))
	}
	return found
}
