package serverconfig

import (
	"cmp"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// Defaults of the stores that the operator runs. The schema has the same ones inside redis.managed and
// openSearch.managed, but a spec that leaves those out must not be made to carry them.
const (
	defaultRedisCacheMemory  = v1alpha1.Quantity("256Mi")
	defaultRedisStateStorage = v1alpha1.Quantity("1Gi")
	defaultOpenSearchHeap    = v1alpha1.Quantity("512Mi")
	defaultOpenSearchStorage = v1alpha1.Quantity("10Gi")
)

// RedisInstance is one of the two Redis servers to run.
type RedisInstance struct {
	// Image is empty for the operator's.
	Image v1alpha1.Image
	// MaxMemory is how much it may keep.
	MaxMemory resource.Quantity
	Resources corev1.ResourceRequirements
	// Storage is the size of its volume, StorageClassName the class as given. The cache has none.
	Storage          resource.Quantity
	StorageClassName *string
}

// RedisCache is the instance that keeps cached results. Its memory is one and a half times what it keeps: Redis counts neither the
// fragments of its heap nor the buffers of its clients. Measured with results of 0.5 to 20 KB that come and go: 1.25 times; when
// their sizes change from one moment to the next it takes up to twice as much, and is restarted empty.
func RedisCache(rag *v1alpha1.RAGService) (RedisInstance, error) {
	given := managedRedis(rag)
	keeps, err := cmp.Or(given.CacheMemory, defaultRedisCacheMemory).Quantity()
	if err != nil {
		return RedisInstance{}, fmt.Errorf("spec.redis.managed.cacheMemory: %w", err)
	}
	return redisInstance(given, keeps, inBytes(keeps.Value()/2*3)), nil
}

// maxRedisState bounds what the instance with the buckets keeps. A larger volume is there for other reasons, such as a storage class
// that has none smaller: 1Gi is buckets for millions of callers. The lower bound is that of stateStorage: a quarter of 64Mi.
const maxRedisState = 1 << 30

// RedisState is the instance that keeps the buckets, on a volume. It keeps a quarter of that: the append-only file is
// rewritten when it has grown to twice its data (2/4), its successor is written beside it (3/4), and the last quarter is for what
// is written meanwhile. The container has twice what it keeps, since a rewrite may copy it.
func RedisState(rag *v1alpha1.RAGService) (RedisInstance, error) {
	given := managedRedis(rag)
	storage, err := cmp.Or(given.StateStorage, defaultRedisStateStorage).Quantity()
	if err != nil {
		return RedisInstance{}, fmt.Errorf("spec.redis.managed.stateStorage: %w", err)
	}
	keeps := min(storage.Value()/4, maxRedisState)
	r := redisInstance(given, inBytes(keeps), inBytes(2*keeps))
	r.Storage, r.StorageClassName = storage, given.StorageClassName
	return r, nil
}

func redisInstance(given v1alpha1.ManagedRedis, keeps, memory resource.Quantity) RedisInstance {
	return RedisInstance{Image: given.Image, MaxMemory: keeps, Resources: storeResources(given.Resources, "50m", "1", memory)}
}

func managedRedis(rag *v1alpha1.RAGService) v1alpha1.ManagedRedis {
	return ptr.Deref(rag.Spec.Redis.Managed, v1alpha1.ManagedRedis{})
}

func inBytes(n int64) resource.Quantity { return *resource.NewQuantity(n, resource.BinarySI) }

// ManagedOpenSearch is the OpenSearch to run, with every field but image and storageClassName set: an empty image is
// the operator's, no class is the cluster's default.
func ManagedOpenSearch(rag *v1alpha1.RAGService) (v1alpha1.ManagedOpenSearch, error) {
	var o v1alpha1.ManagedOpenSearch
	if given := rag.Spec.OpenSearch.Managed; given != nil {
		given.DeepCopyInto(&o)
	}
	o.Heap = cmp.Or(o.Heap, defaultOpenSearchHeap)
	o.Storage = cmp.Or(o.Storage, defaultOpenSearchStorage)
	// Twice the heap: the other half is for what Java keeps outside it and for the index files the kernel caches.
	heap, err := o.Heap.Quantity()
	if err != nil {
		return v1alpha1.ManagedOpenSearch{}, fmt.Errorf("spec.openSearch.managed.heap: %w", err)
	}
	o.Resources = new(storeResources(o.Resources, "250m", "2", inBytes(2*heap.Value())))
	return o, nil
}

// ServerResources are the resources of the server's container.
func ServerResources(rag *v1alpha1.RAGService) corev1.ResourceRequirements {
	return mergeResources(rag.Spec.Server.Resources, corev1.ResourceRequirements{
		Requests: corev1.ResourceList{
			corev1.ResourceCPU:    resource.MustParse("100m"),
			corev1.ResourceMemory: resource.MustParse("128Mi"),
		},
		Limits: corev1.ResourceList{
			corev1.ResourceCPU:    resource.MustParse("2"),
			corev1.ResourceMemory: resource.MustParse("512Mi"),
		},
	})
}

// storeResources are given ones with the defaults of a store. The memory requested is also the limit, because what is used over
// the request can be taken away by the node.
func storeResources(given *corev1.ResourceRequirements, cpu, cpuLimit string, memory resource.Quantity) corev1.ResourceRequirements {
	return mergeResources(given, corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: memory},
		Limits:   corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpuLimit), corev1.ResourceMemory: memory.DeepCopy()},
	})
}

// mergeResources is given, with the defaults of each resource of which it has neither request nor limit. All defaults have
// limits, since a quota of limits refuses pods without them.
func mergeResources(given *corev1.ResourceRequirements, defaults corev1.ResourceRequirements) corev1.ResourceRequirements {
	if given == nil {
		return defaults
	}
	for _, list := range []corev1.ResourceList{given.Requests, given.Limits} {
		for name := range list {
			delete(defaults.Requests, name)
			delete(defaults.Limits, name)
		}
	}
	given = given.DeepCopy()
	maps.Copy(defaults.Requests, given.Requests)
	maps.Copy(defaults.Limits, given.Limits)
	defaults.Claims = given.Claims
	return defaults
}
