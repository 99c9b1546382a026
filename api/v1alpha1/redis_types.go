package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
)

// RedisSpec is the Redis that keeps cached results and the buckets of the rate limits.
//
// What a volume was made with is compared here and not at its field, where a size that is given later than the volume
// would pass as new: not given is the default. Between an external Redis and a managed one nothing is compared: a larger volume of before
// stays as it is.
//
// +kubebuilder:validation:XValidation:rule="!has(self.managed) || !has(self.external)",fieldPath=".external",reason=FieldValueForbidden,message="spec.redis has both managed and external, which exclude each other: remove one of them, by whoever wrote it"
// +kubebuilder:validation:XValidation:rule="has(self.external) || has(oldSelf.external) || quantity(has(self.managed) && has(self.managed.stateStorage) ? self.managed.stateStorage : '1Gi').compareTo(quantity(has(oldSelf.managed) && has(oldSelf.managed.stateStorage) ? oldSelf.managed.stateStorage : '1Gi')) >= 0",fieldPath=".managed.stateStorage",reason=FieldValueForbidden,message="spec.redis.managed.stateStorage cannot go down (it is 1Gi when not given), because volumes do not shrink: create another RAGService to move to a smaller one"
// +kubebuilder:validation:XValidation:rule="has(self.external) || has(oldSelf.external) || (has(self.managed) && has(self.managed.storageClassName) ? self.managed.storageClassName : \"\") == (has(oldSelf.managed) && has(oldSelf.managed.storageClassName) ? oldSelf.managed.storageClassName : \"\")",fieldPath=".managed.storageClassName",reason=FieldValueForbidden,message="spec.redis.managed.storageClassName cannot change, because volumes keep their class: create another RAGService to move to another class"
type RedisSpec struct {
	// managed is a Redis that the operator runs: two instances, one for cached results that may be evicted and one with
	// a small volume for the buckets, which may not.
	// +optional
	Managed *ManagedRedis `json:"managed,omitempty"`
	// external is a Redis that the operator does not run. It may serve others too: all keys begin with rag: and the names of the
	// RAGService, or with {rag:.
	// +optional
	External *ExternalRedis `json:"external,omitempty"`
}

// ExternalRedis is a Redis that the operator does not run, version 6.2 or newer, or Valkey.
// +kubebuilder:validation:XValidation:rule="self.mode != 'Standalone' || size(self.addresses) == 1",fieldPath=".addresses",message="spec.redis.external.addresses must be one address with mode Standalone: leave one, or set mode to Sentinel or Cluster"
// +kubebuilder:validation:XValidation:rule="self.mode != 'Sentinel' || has(self.masterName)",fieldPath=".masterName",reason=FieldValueRequired,message="spec.redis.external.masterName is required with mode Sentinel: set it to what the sentinels call the primary"
// +kubebuilder:validation:XValidation:rule="self.mode == 'Sentinel' || !has(self.masterName)",fieldPath=".masterName",reason=FieldValueForbidden,message="spec.redis.external.masterName has no effect but with mode Sentinel: remove it, or set mode to Sentinel"
type ExternalRedis struct {
	RedisConnection `json:",inline"`
	// state is another Redis for the buckets of the rate limits, which must not be evicted. Without it they are beside the cached results:
	// then Redis must not evict what has not expired (maxmemory-policy noeviction), or limits are forgotten when its memory is full.
	// +optional
	State *ExternalRedisState `json:"state,omitempty"`
}

// ExternalRedisState is the Redis for the buckets of the rate limits.
// +kubebuilder:validation:XValidation:rule="self.mode != 'Standalone' || size(self.addresses) == 1",fieldPath=".addresses",message="spec.redis.external.state.addresses must be one address with mode Standalone: leave one, or set mode to Sentinel or Cluster"
// +kubebuilder:validation:XValidation:rule="self.mode != 'Sentinel' || has(self.masterName)",fieldPath=".masterName",reason=FieldValueRequired,message="spec.redis.external.state.masterName is required with mode Sentinel: set it to what the sentinels call the primary"
// +kubebuilder:validation:XValidation:rule="self.mode == 'Sentinel' || !has(self.masterName)",fieldPath=".masterName",reason=FieldValueForbidden,message="spec.redis.external.state.masterName has no effect but with mode Sentinel: remove it, or set mode to Sentinel"
type ExternalRedisState struct {
	RedisConnection `json:",inline"`
}

// RedisConnection is where a Redis is, and how it is known.
type RedisConnection struct {
	// mode is what addresses are of. Standalone: one Redis, or a proxy or Service before it. Sentinel: sentinels, which are asked for the
	// primary. Cluster: nodes of a Redis Cluster. Default Standalone.
	// +kubebuilder:validation:Enum=Standalone;Sentinel;Cluster
	// +default="Standalone"
	// +optional
	Mode RedisMode `json:"mode,omitempty"`
	// addresses are host:port: one with mode Standalone; of sentinels or nodes some, which tell of the others. At most 16. Servers read and
	// write on primaries alone.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +required
	Addresses []RedisAddress `json:"addresses,omitempty"`
	// masterName is what the sentinels call the primary. Required with mode Sentinel, refused with another.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	// +optional
	MasterName string `json:"masterName,omitempty"`
	// authSecretRef is a Secret with the entry password and, for a user of an ACL, username. Sentinels with a password of their own
	// have it in the entries sentinel-password and, for a user, sentinel-username. Without it Redis is asked without a password.
	// +optional
	AuthSecretRef *SecretReference `json:"authSecretRef,omitempty"`
	// tls has connections encrypted, those to sentinels too. Empty ({}) is enough where an authority of the system signs the
	// certificates. Without it they are in plain text.
	// +optional
	TLS *RedisTLS `json:"tls,omitempty"`
}

// RedisTLS is how Redis is known by its certificate.
type RedisTLS struct {
	// caSecretRef is a bundle of certificates in PEM, one of which must sign that of Redis. Without it, an authority of the system.
	// +optional
	CASecretRef *SecretKeyReference `json:"caSecretRef,omitempty"`
	// serverName is the name that the certificate must be for. Without it, the host that is connected to: sentinels and nodes
	// mostly name addresses, which certificates often lack.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9]([-.a-zA-Z0-9]*[a-zA-Z0-9])?$`
	// +optional
	ServerName string `json:"serverName,omitempty"`
}

// RedisMode is what stands at the addresses of a Redis.
type RedisMode string

// Values of RedisMode.
const (
	RedisModeStandalone RedisMode = "Standalone"
	RedisModeSentinel   RedisMode = "Sentinel"
	RedisModeCluster    RedisMode = "Cluster"
)

// RedisAddress is host:port.
//
// +kubebuilder:validation:MinLength=3
// +kubebuilder:validation:MaxLength=261
// +kubebuilder:validation:XValidation:rule="self.matches('^([a-zA-Z0-9]([-._a-zA-Z0-9]*[a-zA-Z0-9])?|[[][0-9a-fA-F:.]+])[:]([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$')",message="must be host:port, such as redis.example.com:6379, without scheme, user or path (a password belongs into authSecretRef)"
type RedisAddress string

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
	// tls has connections between the servers and both instances encrypted, by certificates that the operator makes and renews.
	// +optional
	TLS *ManagedRedisTLS `json:"tls,omitempty"`
	// podMetadata has further labels and annotations for the pods of both instances, as service meshes want them. A change replaces them.
	// +default={}
	// +optional
	PodMetadata PodMetadata `json:"podMetadata,omitzero"`
	// serviceAccountAnnotations are further annotations of the ServiceAccount of both instances, such as the workload identity of a cloud.
	// They take effect on pods that are made afterwards.
	// +optional
	ServiceAccountAnnotations ObjectAnnotations `json:"serviceAccountAnnotations,omitempty"`
}

// ManagedRedisTLS is how the operator's own Redis is connected to.
type ManagedRedisTLS struct {
	// mode says whether connections are encrypted. The certificates are in the Secret NAME-redis-tls. A change replaces Redis and the
	// servers, which do without Redis meanwhile. Default Disabled.
	// +kubebuilder:validation:Enum=Enabled;Disabled
	// +default="Disabled"
	// +optional
	Mode ManagedRedisTLSMode `json:"mode,omitempty"`
}

// ManagedRedisTLSMode says whether connections to a managed Redis are encrypted.
type ManagedRedisTLSMode string

// Values of ManagedRedisTLSMode.
const (
	// ManagedRedisTLSEnabled has Redis refuse plain text.
	ManagedRedisTLSEnabled ManagedRedisTLSMode = "Enabled"
	// ManagedRedisTLSDisabled has connections in plain text.
	ManagedRedisTLSDisabled ManagedRedisTLSMode = "Disabled"
)
