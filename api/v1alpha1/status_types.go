package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RAGServiceStatus is what the operator found.
type RAGServiceStatus struct {
	// conditions of the service; docs/reasons.md explains each type and reason.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
	// observedGeneration is the generation of the spec that this status judges; -1 before the first look.
	// +kubebuilder:validation:Minimum=-1
	// +optional
	ObservedGeneration *int64 `json:"observedGeneration,omitempty"`
	// operator is the --operator-id of the operator that works on the RAGService. Another one leaves it alone as long as that one
	// holds its lease.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Operator string `json:"operator,omitempty"`
	// endpoint is the address of the server inside the cluster.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +optional
	Endpoint string `json:"endpoint,omitempty"`
	// replicas is the number of server pods.
	// +kubebuilder:validation:Minimum=0
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`
	// readyReplicas is the number of server pods that answer.
	// +kubebuilder:validation:Minimum=0
	// +optional
	ReadyReplicas *int32 `json:"readyReplicas,omitempty"`
	// selector finds the server pods, for the scale subresource.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +optional
	Selector string `json:"selector,omitempty"`
	// configHash is the hash of the configuration that the servers shall run.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +optional
	ConfigHash string `json:"configHash,omitempty"`
	// cache is what the servers report of their cache.
	// +optional
	Cache *CacheStatus `json:"cache,omitempty"`
	// alerts are those of spec.alerts that are raised; absent when none is.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +listType=map
	// +listMapKey=name
	// +optional
	Alerts []AlertStatus `json:"alerts,omitempty"`
	// notified are the alerts that spec.alerts.receivers.webhook was told of; absent when none.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +listType=map
	// +listMapKey=name
	// +optional
	Notified []AlertNotification `json:"notified,omitempty"`
	// budgets are how far those of spec.budgets are taken, of the service; absent without one.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=3
	// +listType=map
	// +listMapKey=name
	// +optional
	Budgets []BudgetStatus `json:"budgets,omitempty"`
	// snapshots is what became of spec.openSearch.snapshots; absent without it, and before the first.
	// +optional
	Snapshots *SnapshotsStatus `json:"snapshots,omitempty"`
	// diagnostics are the pods that do not start or keep ending, at most 8; absent when all is well.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +listType=atomic
	// +optional
	Diagnostics []Diagnostic `json:"diagnostics,omitempty"`
}

// CacheStatus is what the servers report of their cache. Percentages are steps of 5; the exact ones are metrics.
type CacheStatus struct {
	// hitRatePercent is the share of search, ask and stream requests of the window that were answered from the cache.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	// +optional
	HitRatePercent *int32 `json:"hitRatePercent,omitempty"`
	// window is the time that the figures speak of.
	// +optional
	Window Duration `json:"window,omitempty"`
	// byKind are the same figures for each kind of result.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	// +listType=map
	// +listMapKey=kind
	// +optional
	ByKind []CacheKindStatus `json:"byKind,omitempty"`
}

// CacheKindStatus is the hit rate of one kind of result.
type CacheKindStatus struct {
	// kind of result.
	// +kubebuilder:validation:Enum=search;llm
	// +required
	Kind CacheKind `json:"kind,omitempty"`
	// hitRatePercent is the share that was answered from the cache.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	// +required
	HitRatePercent *int32 `json:"hitRatePercent,omitempty"`
}

// CacheKind is a kind of result that is cached.
type CacheKind string

// Values of CacheKind.
const (
	// CacheKindSearch are search results.
	CacheKindSearch CacheKind = "search"
	// CacheKindLLM are answers.
	CacheKindLLM CacheKind = "llm"
)

// Diagnostic is a container, or a pod, that does not start or keeps ending.
type Diagnostic struct {
	// pod is the pod's name.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +required
	Pod string `json:"pod,omitempty"`
	// container is the container's name; empty when the pod itself is the matter.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Container string `json:"container,omitempty"`
	// reason is what Kubernetes calls it: ImagePullBackOff, CrashLoopBackOff, Unschedulable.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +required
	Reason string `json:"reason,omitempty"`
	// exitCode of the container's last end.
	// +optional
	ExitCode *int32 `json:"exitCode,omitempty"`
	// next is the next place to look.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +optional
	Next string `json:"next,omitempty"`
}
