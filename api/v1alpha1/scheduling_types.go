package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
)

// SchedulingSpec says which nodes pods run on. It is passed on as it is; what the API server refuses of it is told in the condition of
// the component (ApplyFailed), and what runs goes on.
type SchedulingSpec struct {
	// nodeSelector are labels that a node must have.
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=32
	// +optional
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`
	// tolerations are taints of nodes that the pods put up with.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +listType=atomic
	// +optional
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`
	// affinity prefers or demands nodes and the neighbourhood of other pods. Default: pods of one revision are rather spread over
	// zones; another podAntiAffinity takes its place.
	// +optional
	Affinity *corev1.Affinity `json:"affinity,omitempty"`
	// topologySpreadConstraints spread the pods over domains of nodes. One without a labelSelector is about the component's own pods. Default:
	// pods of one revision are spread over nodes where that is possible; any constraint given here takes the place of that and of the
	// spread over zones.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +listType=map
	// +listMapKey=topologyKey
	// +listMapKey=whenUnsatisfiable
	// +optional
	TopologySpreadConstraints []corev1.TopologySpreadConstraint `json:"topologySpreadConstraints,omitempty"`
	// priorityClassName is the PriorityClass of the pods. Default: the cluster's. Pods of a class that does not exist are refused, which the
	// condition of the component tells.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="must be the name of a PriorityClass: lower-case letters, digits, '-' and '.'"
	// +optional
	PriorityClassName string `json:"priorityClassName,omitempty"`
}
