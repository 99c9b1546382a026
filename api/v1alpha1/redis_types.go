package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
)

// RedisSpec is the Redis that keeps cached results and the buckets of the rate limits.
//
// What a volume was made with is compared here and not at its field, where a size that is given later than the volume
// would pass as new: not given is the default.
//
// +kubebuilder:validation:XValidation:rule="quantity(has(self.managed) && has(self.managed.stateStorage) ? self.managed.stateStorage : '1Gi').compareTo(quantity(has(oldSelf.managed) && has(oldSelf.managed.stateStorage) ? oldSelf.managed.stateStorage : '1Gi')) >= 0",fieldPath=".managed.stateStorage",reason=FieldValueForbidden,message="spec.redis.managed.stateStorage cannot go down (it is 1Gi when not given), because volumes do not shrink: create another RAGService to move to a smaller one"
// +kubebuilder:validation:XValidation:rule="(has(self.managed) && has(self.managed.storageClassName) ? self.managed.storageClassName : \"\") == (has(oldSelf.managed) && has(oldSelf.managed.storageClassName) ? oldSelf.managed.storageClassName : \"\")",fieldPath=".managed.storageClassName",reason=FieldValueForbidden,message="spec.redis.managed.storageClassName cannot change, because volumes keep their class: create another RAGService to move to another class"
type RedisSpec struct {
	// managed is a Redis that the operator runs: two instances, one for cached results that may be evicted and one with
	// a small volume for the buckets, which may not.
	// +optional
	Managed *ManagedRedis `json:"managed,omitempty"`
}

// ManagedRedis is a Redis that the operator runs: two instances.
//
// An object that is older than a rule about its memory may break it, until something changes that the rule is about.
//
// +kubebuilder:validation:XValidation:rule="!has(self.resources) || !has(self.resources.limits) || !('memory' in self.resources.limits) || !has(self.cacheMemory) || quantity(string(self.resources.limits['memory'])).asApproximateFloat() >= 1.25 * quantity(self.cacheMemory).asApproximateFloat() || (oldSelf.hasValue() && oldSelf.?resources.?limits[?'memory'].orValue(\"\") == self.resources.limits['memory'] && oldSelf.?cacheMemory.orValue(\"\") == self.cacheMemory)",optionalOldSelf=true,fieldPath=".cacheMemory",message="spec.redis.managed.cacheMemory (256Mi when not given) must be at most four fifths of resources.limits.memory, or Redis is killed before it evicts: lower cacheMemory or raise the limit"
// +kubebuilder:validation:XValidation:rule="!has(self.resources) || !has(self.resources.limits) || !('memory' in self.resources.limits) || !has(self.stateStorage) || quantity(string(self.resources.limits['memory'])).compareTo(quantity('2Gi')) >= 0 || quantity(string(self.resources.limits['memory'])).add(quantity(string(self.resources.limits['memory']))).compareTo(quantity(self.stateStorage)) >= 0 || (oldSelf.hasValue() && oldSelf.?resources.?limits[?'memory'].orValue(\"\") == self.resources.limits['memory'] && oldSelf.?stateStorage.orValue(\"\") == self.stateStorage)",optionalOldSelf=true,fieldPath=".resources",message="spec.redis.managed.resources.limits.memory must be at least half of stateStorage (1Gi when not given), or 2Gi: the instance with the buckets keeps a quarter of its volume in memory, at most 1Gi, and a rewrite of its file may copy that. Raise the limit, or begin with a smaller stateStorage"
type ManagedRedis struct {
	// image is the container image of Redis 7 or newer. Without it the operator uses the one it was released with.
	// +optional
	Image Image `json:"image,omitempty"`
	// cacheMemory is how much the cache may keep before it evicts its least used results. Default 256Mi.
	// +kubebuilder:validation:XValidation:rule="isQuantity(self) && quantity(self).compareTo(quantity('16Mi')) >= 0 && quantity(self).compareTo(quantity('64Gi')) <= 0",message="must be an amount from 16Mi to 64Gi, such as 512Mi"
	// +default="256Mi"
	// +optional
	CacheMemory Quantity `json:"cacheMemory,omitempty"`
	// stateStorage is the size of the volume that keeps the buckets over a restart. The instance with the buckets keeps a quarter
	// of it in memory, at most 1Gi. It may grow where the volume's class allows that. Default 1Gi.
	// +kubebuilder:validation:XValidation:rule="isQuantity(self) && quantity(self).compareTo(quantity('64Mi')) >= 0 && quantity(self).compareTo(quantity('1Ti')) <= 0",message="must be an amount from 64Mi to 1Ti, such as 2Gi"
	// +default="1Gi"
	// +optional
	StateStorage Quantity `json:"stateStorage,omitempty"`
	// storageClassName is the class of that volume, fixed once the RAGService exists. Without it the cluster's default
	// class.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +optional
	StorageClassName *string `json:"storageClassName,omitempty"`
	// resources of the container of each of the two instances. Default: 50m CPU; memory for one and a half times cacheMemory in the
	// cache, and for twice what the instance with the buckets keeps (a rewrite of its file may copy it); limits of the same
	// memory and 1 CPU. A resource that is named in requests or limits is as given there, for both instances alike; others
	// keep their defaults.
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`
	// podMetadata has further labels and annotations for the pods of both instances, as service meshes want them. A change replaces them.
	// +default={}
	// +optional
	PodMetadata PodMetadata `json:"podMetadata,omitzero"`
	// serviceAccountAnnotations are further annotations of the ServiceAccount of both instances, such as the workload identity of a cloud.
	// They take effect on pods that are made afterwards.
	// +optional
	ServiceAccountAnnotations ObjectAnnotations `json:"serviceAccountAnnotations,omitempty"`
}
