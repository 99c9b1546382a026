package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// NetworkPolicySpec closes the network around the service's pods.
// +kubebuilder:validation:XValidation:rule="!has(self.enabled) || self.enabled || !has(self.egress)",fieldPath=".egress",reason=FieldValueForbidden,message="spec.networkPolicy.egress has no effect with spec.networkPolicy.enabled false: remove it, or enable the policies"
type NetworkPolicySpec struct {
	// enabled makes NetworkPolicies: in from what uses a part, out to DNS, the service's own stores and the port of
	// each configured URL. Default true.
	// +default=true
	// +optional
	Enabled *bool `json:"enabled,omitempty"`
	// egress lists further peers that server pods may connect to.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	Egress []EgressRule `json:"egress,omitempty"` //nolint:kubeapilinter // each rule has one of two peers, as CEL says
}

// EgressRule is a peer of server pods: a block of addresses, or pods.
// +kubebuilder:validation:XValidation:rule="has(self.cidr) != (has(self.namespaceSelector) || has(self.podSelector))",message="must have either cidr, or a namespaceSelector, a podSelector or both"
type EgressRule struct {
	// cidr is a block of addresses: 10.1.0.0/16, or one address with /32.
	// +kubebuilder:validation:MinLength=4
	// +kubebuilder:validation:MaxLength=43
	// +kubebuilder:validation:XValidation:rule="isCIDR(self)",message="must be a block of addresses such as 10.1.0.0/16"
	// +optional
	CIDR string `json:"cidr,omitempty"`
	// namespaceSelector selects namespaces by their labels; an empty one selects all. Without it podSelector is about the
	// RAGService's own namespace.
	// +optional
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector,omitempty"`
	// podSelector selects pods of those namespaces; without it all pods.
	// +optional
	PodSelector *metav1.LabelSelector `json:"podSelector,omitempty"`
	// port is that of the pods, behind a Service too: policies judge packets after the Service's port was replaced. Without it
	// every port of protocol.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +optional
	Port *int32 `json:"port,omitempty"`
	// protocol is TCP, UDP or SCTP. Default: TCP with port; without either every port of every protocol.
	// +kubebuilder:validation:Enum=TCP;UDP;SCTP
	// +optional
	Protocol corev1.Protocol `json:"protocol,omitempty"`
}
