package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
)

// OpenSearchSpec is the search engine.
//
// +kubebuilder:validation:XValidation:rule="quantity(has(self.managed) && has(self.managed.storage) ? self.managed.storage : '10Gi').compareTo(quantity(has(oldSelf.managed) && has(oldSelf.managed.storage) ? oldSelf.managed.storage : '10Gi')) >= 0",fieldPath=".managed.storage",reason=FieldValueForbidden,message="spec.openSearch.managed.storage cannot go down (it is 10Gi when not given), because volumes do not shrink: create another RAGService to move to a smaller one"
// +kubebuilder:validation:XValidation:rule="(has(self.managed) && has(self.managed.storageClassName) ? self.managed.storageClassName : \"\") == (has(oldSelf.managed) && has(oldSelf.managed.storageClassName) ? oldSelf.managed.storageClassName : \"\")",fieldPath=".managed.storageClassName",reason=FieldValueForbidden,message="spec.openSearch.managed.storageClassName cannot change, because volumes keep their class: create another RAGService to move to another class"
//
// +kubebuilder:validation:XValidation:rule="(has(self.index) && has(self.index.name) ? self.index.name : \"\") == (has(oldSelf.index) && has(oldSelf.index.name) ? oldSelf.index.name : \"\")",fieldPath=".index.name",reason=FieldValueForbidden,message="spec.openSearch.index.name cannot change, because the documents are in the index of that name: create another RAGService with the new name and send them there"
// +kubebuilder:validation:XValidation:rule="!has(self.index) || !has(self.index.replicas) || self.index.replicas == 0",fieldPath=".index.replicas",message="spec.openSearch.index.replicas must be 0 with one node, which has no other to keep a copy"
type OpenSearchSpec struct {
	// managed is an OpenSearch that the operator runs: one node.
	// +optional
	Managed *ManagedOpenSearch `json:"managed,omitempty"`
	// index is the index of the documents.
	// +default={}
	// +optional
	Index IndexSpec `json:"index,omitzero"`
}

// IndexSpec is the index of the documents. The servers make it and change it.
type IndexSpec struct {
	// name is the alias of the index, fixed once the RAGService exists. Indices whose names begin with it and -v or -control belong
	// to the service. Default documents.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=100
	// +kubebuilder:validation:Pattern=`^[a-z0-9][a-z0-9._-]*$`
	// +optional
	Name string `json:"name,omitempty"`
	// shards is how many parts the index has, which different nodes can hold. With another number the servers build another index
	// beside it, from the documents that they keep, and put it in its place; searches go on meanwhile. Default 1.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=32
	// +default=1
	// +optional
	Shards *int32 `json:"shards,omitempty"`
	// replicas is how many further copies of each shard other nodes keep. A change reaches the index without a restart. Default 0.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=8
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`
}

// ManagedOpenSearch is an OpenSearch that the operator runs.
// +kubebuilder:validation:XValidation:rule="!has(self.resources) || !has(self.resources.limits) || !('memory' in self.resources.limits) || !has(self.heap) || quantity(string(self.resources.limits['memory'])).compareTo(quantity(self.heap).add(quantity(self.heap))) >= 0 || (oldSelf.hasValue() && oldSelf.?resources.?limits[?'memory'].orValue(\"\") == self.resources.limits['memory'] && oldSelf.?heap.orValue(\"\") == self.heap)",optionalOldSelf=true,fieldPath=".heap",message="spec.openSearch.managed.heap (512Mi when not given) must be at most half of resources.limits.memory: what Java keeps outside its heap needs the rest, or the node is killed. Lower heap or raise the limit"
type ManagedOpenSearch struct {
	// image is the container image of OpenSearch 3 or newer. Without it the operator uses the one it was released with.
	// +optional
	Image Image `json:"image,omitempty"`
	// heap is the Java heap. Default 512Mi. The container's memory is twice that.
	// +kubebuilder:validation:XValidation:rule="isQuantity(self) && quantity(self).compareTo(quantity('256Mi')) >= 0 && quantity(self).compareTo(quantity('31Gi')) <= 0",message="must be an amount from 256Mi to 31Gi, such as 2Gi (above that Java loses compressed pointers)"
	// +default="512Mi"
	// +optional
	Heap Quantity `json:"heap,omitempty"`
	// storage is the size of the volume that keeps the documents. It may grow where the volume's class allows that. Default 10Gi.
	// +kubebuilder:validation:XValidation:rule="isQuantity(self) && quantity(self).compareTo(quantity('256Mi')) >= 0 && quantity(self).compareTo(quantity('16Ti')) <= 0",message="must be an amount from 256Mi to 16Ti, such as 50Gi"
	// +default="10Gi"
	// +optional
	Storage Quantity `json:"storage,omitempty"`
	// storageClassName is the class of that volume, fixed once the RAGService exists. Without it the cluster's default
	// class.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +optional
	StorageClassName *string `json:"storageClassName,omitempty"`
	// resources of the OpenSearch container. Default: memory for twice the heap and 250m CPU; limits of the same memory and 2
	// CPU. A resource that is named in requests or limits is as given there; others keep their default.
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`
	// podMetadata has further labels and annotations for the pods of OpenSearch, as service meshes want them. A change replaces
	// them: a single node is away meanwhile.
	// +default={}
	// +optional
	PodMetadata PodMetadata `json:"podMetadata,omitzero"`
	// serviceAccountAnnotations are further annotations of the ServiceAccount of OpenSearch, such as the workload identity of a cloud.
	// They take effect on pods that are made afterwards.
	// +optional
	ServiceAccountAnnotations ObjectAnnotations `json:"serviceAccountAnnotations,omitempty"`
}
