package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
)

// RedisSpec is the Redis that keeps cached results and the buckets of the rate limits.
type RedisSpec struct {
	// managed is a Redis that the operator runs: two instances, one for cached results that may be evicted and one with
	// a small volume for the buckets, which may not.
	// +optional
	Managed *ManagedRedis `json:"managed,omitempty"`
}

// ManagedRedis is a Redis that the operator runs.
type ManagedRedis struct {
	// image is the container image of Redis 7 or newer. Without it the operator uses the one it was released with.
	// +optional
	Image Image `json:"image,omitempty"`
	// memory is how much each instance may keep before the cache evicts its least used results. Default 256Mi.
	// +kubebuilder:validation:XValidation:rule="quantity(self).compareTo(quantity('16Mi')) >= 0 && quantity(self).compareTo(quantity('64Gi')) <= 0",message="must be between 16Mi and 64Gi"
	// +default="256Mi"
	// +optional
	Memory Quantity `json:"memory,omitempty"`
	// stateStorage is the size of the volume that keeps the buckets over a restart. It is fixed once made.
	// Default 1Gi.
	// +kubebuilder:validation:XValidation:rule="quantity(self).compareTo(quantity('64Mi')) >= 0 && quantity(self).compareTo(quantity('1Ti')) <= 0",message="must be between 64Mi and 1Ti"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="cannot change once set: volumes keep their size; create another RAGService to move to another size"
	// +default="1Gi"
	// +optional
	StateStorage Quantity `json:"stateStorage,omitempty"`
	// resources of each Redis container. Default: memory for twice the data (a rewrite of the append-only file copies
	// it) and 50m CPU.
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`
}

// OpenSearchSpec is the search engine.
type OpenSearchSpec struct {
	// managed is an OpenSearch that the operator runs: one node.
	// +optional
	Managed *ManagedOpenSearch `json:"managed,omitempty"`
}

// ManagedOpenSearch is an OpenSearch that the operator runs.
type ManagedOpenSearch struct {
	// image is the container image of OpenSearch 3 or newer. Without it the operator uses the one it was released with.
	// +optional
	Image Image `json:"image,omitempty"`
	// heap is the Java heap. Default 512Mi. The container's memory is twice that.
	// +kubebuilder:validation:XValidation:rule="quantity(self).compareTo(quantity('256Mi')) >= 0 && quantity(self).compareTo(quantity('31Gi')) <= 0",message="must be between 256Mi and 31Gi (above that Java loses compressed pointers)"
	// +default="512Mi"
	// +optional
	Heap Quantity `json:"heap,omitempty"`
	// storage is the size of the volume that keeps the documents. It is fixed once made. Default 10Gi.
	// +kubebuilder:validation:XValidation:rule="quantity(self).compareTo(quantity('256Mi')) >= 0 && quantity(self).compareTo(quantity('16Ti')) <= 0",message="must be between 256Mi and 16Ti"
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="cannot change once set: volumes keep their size; create another RAGService to move to another size"
	// +default="10Gi"
	// +optional
	Storage Quantity `json:"storage,omitempty"`
	// storageClassName is the class of that volume. Without it the cluster's default class. It is fixed once made.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="cannot change once set: volumes keep their class"
	// +optional
	StorageClassName *string `json:"storageClassName,omitempty"`
	// resources of the OpenSearch container. Default: memory for twice the heap and 250m CPU.
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`
}
