package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
)

// OpenSearchSpec is the search engine.
//
// +kubebuilder:validation:XValidation:rule="has(self.external) || has(oldSelf.external) || quantity(has(self.managed) && has(self.managed.storage) ? self.managed.storage : '10Gi').compareTo(quantity(has(oldSelf.managed) && has(oldSelf.managed.storage) ? oldSelf.managed.storage : '10Gi')) >= 0",fieldPath=".managed.storage",reason=FieldValueForbidden,message="spec.openSearch.managed.storage cannot go down (it is 10Gi when not given), because volumes do not shrink: create another RAGService to move to a smaller one"
// +kubebuilder:validation:XValidation:rule="has(self.external) || has(oldSelf.external) || (has(self.managed) && has(self.managed.storageClassName) ? self.managed.storageClassName : \"\") == (has(oldSelf.managed) && has(oldSelf.managed.storageClassName) ? oldSelf.managed.storageClassName : \"\")",fieldPath=".managed.storageClassName",reason=FieldValueForbidden,message="spec.openSearch.managed.storageClassName cannot change, because volumes keep their class: create another RAGService to move to another class"
//
// +kubebuilder:validation:XValidation:rule="has(self.external) != has(oldSelf.external) || (has(self.index) && has(self.index.name) ? self.index.name : \"\") == (has(oldSelf.index) && has(oldSelf.index.name) ? oldSelf.index.name : \"\")",fieldPath=".index.name",reason=FieldValueForbidden,message="spec.openSearch.index.name cannot change, because the documents are in the index of that name: create another RAGService with the new name and send them there"
// +kubebuilder:validation:XValidation:rule="has(self.external) || !has(self.index) || !has(self.index.replicas) || self.index.replicas < (has(self.managed) && has(self.managed.nodes) ? self.managed.nodes : 1)",fieldPath=".index.replicas",message="spec.openSearch.index.replicas must be less than spec.openSearch.managed.nodes (1 when not given): a node keeps no second copy"
// +kubebuilder:validation:XValidation:rule="!has(self.external) || !has(self.snapshots) || !has(self.snapshots.repository.claimName)",fieldPath=".snapshots.repository.claimName",message="spec.openSearch.snapshots.repository.claimName is for a managed OpenSearch alone: register a repository in the external one, and name it in spec.openSearch.snapshots.repository.name"
// +kubebuilder:validation:XValidation:rule="has(self.external) || !has(self.snapshots) || !has(self.snapshots.repository.name)",fieldPath=".snapshots.repository.name",message="spec.openSearch.snapshots.repository.name is for an external OpenSearch alone: name a PersistentVolumeClaim in spec.openSearch.snapshots.repository.claimName"
// +kubebuilder:validation:XValidation:rule="!has(self.managed) || !has(self.external)",message="spec.openSearch must have managed or external, not both"
type OpenSearchSpec struct {
	// managed is an OpenSearch that the operator runs. This is what there is when neither managed nor external is given.
	// +optional
	Managed *ManagedOpenSearch `json:"managed,omitempty"`
	// external is an OpenSearch that somebody else runs. Documents do not move when it takes the place of a managed one, or a managed
	// one its place: send them again. The volume of the managed one stays.
	// +optional
	External *ExternalOpenSearch `json:"external,omitempty"`
	// index is the index of the documents.
	// +default={}
	// +optional
	Index IndexSpec `json:"index,omitzero"`
	// snapshots of the documents are taken on a schedule. None are when this is not given.
	// +optional
	Snapshots *SnapshotsSpec `json:"snapshots,omitempty"`
}

// IndexSpec is the index of the documents. The servers make it and change it.
type IndexSpec struct {
	// name is the alias of the index, fixed once the RAGService exists. Indices whose names begin with it and -v, -control or -feedback
	// belong to the service. Default documents, in an external OpenSearch <namespace>.<name of the RAGService>.
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
	// replicas is how many further copies of each shard other nodes keep. A change reaches the index without a restart. Default 1, and 0 with one
	// managed node.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=8
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`
}

// ManagedOpenSearch is an OpenSearch that the operator runs.
// +kubebuilder:validation:XValidation:rule="!has(self.resources) || !has(self.resources.limits) || !('memory' in self.resources.limits) || !has(self.heap) || quantity(string(self.resources.limits['memory'])).compareTo(quantity(self.heap).add(quantity(self.heap))) >= 0 || (oldSelf.hasValue() && oldSelf.?resources.?limits[?'memory'].orValue(\"\") == self.resources.limits['memory'] && oldSelf.?heap.orValue(\"\") == self.heap)",optionalOldSelf=true,fieldPath=".heap",message="spec.openSearch.managed.heap (512Mi when not given) must be at most half of resources.limits.memory: what Java keeps outside its heap needs the rest, or the node is killed. Lower heap or raise the limit"
type ManagedOpenSearch struct {
	// nodes is how many nodes there are: one, or an odd number of which more than half must run. Each has a volume, and resources and
	// heap of its own. None restarts because others come or go. Nodes beyond a lower number go when the others have taken their shards, for which
	// these need room; their volumes stay, empty. Default 1.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=9
	// +kubebuilder:validation:XValidation:rule="self % 2 == 1",message="must be 1, 3, 5, 7 or 9: of an even number no more may fail than of one less"
	// +default=1
	// +optional
	Nodes *int32 `json:"nodes,omitempty"`
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
	// them one by one: a single node is away meanwhile.
	// +default={}
	// +optional
	PodMetadata PodMetadata `json:"podMetadata,omitzero"`
	// serviceAccountAnnotations are further annotations of the ServiceAccount of OpenSearch, such as the workload identity of a cloud.
	// They take effect on pods that are made afterwards.
	// +optional
	ServiceAccountAnnotations ObjectAnnotations `json:"serviceAccountAnnotations,omitempty"`
}

// ExternalOpenSearch is an OpenSearch 3 or newer that somebody else runs.
// +kubebuilder:validation:XValidation:rule="!has(self.credentialsSecretRef) || self.urls.all(u, u.startsWith('https://'))",fieldPath=".credentialsSecretRef",message="spec.openSearch.external.credentialsSecretRef needs https in all of spec.openSearch.external.urls: a password is sent to nobody who has not shown a certificate"
// +kubebuilder:validation:XValidation:rule="!has(self.caSecretRef) || self.urls.exists(u, u.startsWith('https://'))",fieldPath=".caSecretRef",message="spec.openSearch.external.caSecretRef has no effect without https in spec.openSearch.external.urls: take it out, or use https"
type ExternalOpenSearch struct {
	// urls are the addresses of one cluster: of its nodes or of a load balancer before them, such as https://search.example.com:9200.
	// Servers use them in turn.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +required
	URLs []OpenSearchURL `json:"urls,omitempty"`
	// credentialsSecretRef names a Secret with the entries username and password, as those of type kubernetes.io/basic-auth have. The
	// user may create, change and delete indices whose names begin with that of spec.openSearch.index, and read and write documents in
	// them. Other contents replace the servers' pods.
	// +optional
	CredentialsSecretRef *SecretReference `json:"credentialsSecretRef,omitempty"`
	// caSecretRef names an entry with certificates in PEM that the cluster is trusted by, in place of those of the system. Others replace
	// the servers' pods.
	// +optional
	CASecretRef *SecretKeyReference `json:"caSecretRef,omitempty"`
}

// OpenSearchURL is the address of an OpenSearch.
// +kubebuilder:validation:MinLength=8
// +kubebuilder:validation:MaxLength=512
// +kubebuilder:validation:XValidation:rule="self.matches('^https?://([^][@?#/:[:space:]]+|[[][0-9a-fA-F:.]+])(:[0-9]{1,5})?(/[^@?#[:space:]]*)?$') && isURL(self) && (url(self).getPort() == \"\" || int(url(self).getPort()) <= 65535)",message="must be an http or https URL without user, query or fragment, such as https://search.example.com:9200 (user and password belong into credentialsSecretRef)"
type OpenSearchURL string
