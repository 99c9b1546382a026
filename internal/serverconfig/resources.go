package serverconfig

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

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

func inBytes(n int64) resource.Quantity { return *resource.NewQuantity(n, resource.BinarySI) }
