package serverconfig

import (
	"k8s.io/utils/ptr"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// The schema's defaults, for an object that bypassed it: everybody who reads these fields reads them here.
const (
	defaultReplicas             int32 = 2
	defaultMinReplicas          int32 = 2
	defaultTargetCPU            int32 = 70
	defaultCacheEnabled               = true
	defaultNetworkPolicyEnabled       = true
	defaultJitterPercent        int32 = 10
	defaultStaleIfError               = v1alpha1.Duration("10m")
	defaultSlowQueryThreshold         = v1alpha1.Duration("1s")
	defaultDailyVolumeLimit           = v1alpha1.Quantity("100Mi")
	defaultLogFileMaxBytes            = v1alpha1.Quantity("1Gi") // not the schema's: without the files it has no effect
)

// Replicas is the wanted number of server pods where no autoscaler chooses it; 0 runs the stores alone.
func Replicas(rag *v1alpha1.RAGService) int32 {
	return ptr.Deref(rag.Spec.Server.Replicas, defaultReplicas)
}

// MostReplicas is how many servers there may be at once.
func MostReplicas(rag *v1alpha1.RAGService) int32 {
	if a, on := Autoscaled(rag); on {
		return a.Most
	}
	return Replicas(rag)
}

// Autoscaling is spec.server.autoscaling with its defaults.
type Autoscaling struct{ Least, Most, TargetCPU int32 }

// Autoscaled says that an autoscaler chooses the number of servers.
func Autoscaled(rag *v1alpha1.RAGService) (Autoscaling, bool) {
	spec := rag.Spec.Server.Autoscaling
	if spec == nil {
		return Autoscaling{}, false
	}
	least := ptr.Deref(spec.MinReplicas, defaultMinReplicas)
	return Autoscaling{
		Least: least, Most: max(least, spec.MaxReplicas),
		TargetCPU: ptr.Deref(spec.TargetCPUUtilizationPercentage, defaultTargetCPU),
	}, true
}

// CacheEnabled says that the servers answer from caches where they can.
func CacheEnabled(rag *v1alpha1.RAGService) bool {
	return ptr.Deref(rag.Spec.Cache.Enabled, defaultCacheEnabled)
}

// NetworkPolicyEnabled says that each component gets a NetworkPolicy.
func NetworkPolicyEnabled(rag *v1alpha1.RAGService) bool {
	return ptr.Deref(rag.Spec.NetworkPolicy.Enabled, defaultNetworkPolicyEnabled)
}
