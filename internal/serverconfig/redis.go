package serverconfig

import (
	"cmp"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// Defaults of the Redis servers that the operator runs. The schema has the same ones inside redis.managed, but a spec that leaves that
// out must not be made to carry them.
const (
	defaultRedisCacheMemory  = v1alpha1.Quantity("256Mi")
	defaultRedisStateStorage = v1alpha1.Quantity("1Gi")
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

// ManagedRedisTLS says whether servers and the operator's own Redis talk by TLS.
func ManagedRedisTLS(rag *v1alpha1.RAGService) bool {
	tls := managedRedis(rag).TLS
	return rag.Spec.Redis.External == nil && tls != nil && tls.Mode == v1alpha1.ManagedRedisTLSEnabled
}
