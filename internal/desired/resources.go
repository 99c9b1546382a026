package desired

import (
	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

// resourcesConfig writes r without what it leaves empty, which the API server would drop.
func resourcesConfig(r corev1.ResourceRequirements) *corev1ac.ResourceRequirementsApplyConfiguration {
	config := corev1ac.ResourceRequirements()
	if len(r.Requests) > 0 {
		config.WithRequests(r.Requests.DeepCopy())
	}
	if len(r.Limits) > 0 {
		config.WithLimits(r.Limits.DeepCopy())
	}
	for _, claim := range r.Claims {
		named := corev1ac.ResourceClaim().WithName(claim.Name)
		if claim.Request != "" {
			named.WithRequest(claim.Request)
		}
		config.WithClaims(named)
	}
	return config
}
