package serverconfig

import (
	"cmp"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// Defaults of the stores that the operator runs. The schema has the same ones inside redis.managed and
// openSearch.managed, but a spec that leaves those out must not be made to carry them.
const (
	defaultRedisMemory       = v1alpha1.Quantity("256Mi")
	defaultRedisStateStorage = v1alpha1.Quantity("1Gi")
	defaultOpenSearchHeap    = v1alpha1.Quantity("512Mi")
	defaultOpenSearchStorage = v1alpha1.Quantity("10Gi")
)

// ManagedRedis is the Redis to run, with every field but image set: an empty image is the operator's.
func ManagedRedis(rag *v1alpha1.RAGService) (v1alpha1.ManagedRedis, error) {
	var r v1alpha1.ManagedRedis
	if given := rag.Spec.Redis.Managed; given != nil {
		given.DeepCopyInto(&r)
	}
	r.Memory = cmp.Or(r.Memory, defaultRedisMemory)
	r.StateStorage = cmp.Or(r.StateStorage, defaultRedisStateStorage)
	// Twice the data: a rewrite of the append-only file copies it.
	resources, err := storeResources(r.Resources, "50m", "1", r.Memory)
	r.Resources = resources
	return r, err
}

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
	resources, err := storeResources(o.Resources, "250m", "2", o.Heap)
	o.Resources = resources
	return o, err
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

// storeResources are given ones with the defaults of a store: twice the memory of half, which is also the limit, because
// what is used over the request can be taken away by the node.
func storeResources(given *corev1.ResourceRequirements, cpu, cpuLimit string, half v1alpha1.Quantity) (*corev1.ResourceRequirements, error) {
	memory, err := half.Quantity()
	if err != nil {
		return nil, err
	}
	memory.Add(memory)
	return new(mergeResources(given, corev1.ResourceRequirements{
		Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpu), corev1.ResourceMemory: memory},
		Limits:   corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(cpuLimit), corev1.ResourceMemory: memory.DeepCopy()},
	})), nil
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
