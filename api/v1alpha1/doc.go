// Package v1alpha1 is the API of the RAGService operator: what a person writes in a manifest, what the
// operator answers in status, and the vocabulary of conditions and reasons that both share.
//
// +kubebuilder:object:generate=true
// +groupName=ragservice.dev
package v1alpha1
