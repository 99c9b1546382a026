// Package crd holds the CustomResourceDefinition of RAGService, for programs that apply its defaults and rules without
// an API server. controller-gen writes it from api/v1alpha1.
package crd

import _ "embed"

// RAGService is the CustomResourceDefinition, in YAML.
//
//go:embed bases/ragservice.dev_ragservices.yaml
var RAGService []byte
