package v1alpha1

// AutoscalingSpec has the number of servers follow their load, by a HorizontalPodAutoscaler of the operator's.
// +kubebuilder:validation:XValidation:rule="!has(self.minReplicas) || !has(self.maxReplicas) || self.minReplicas <= self.maxReplicas",fieldPath=".minReplicas",message="spec.server.autoscaling.minReplicas (2 when not given) must be at most maxReplicas: lower minReplicas or raise maxReplicas"
type AutoscalingSpec struct {
	// minReplicas is the least number of servers. Default 2.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	// +default=2
	// +optional
	MinReplicas *int32 `json:"minReplicas,omitempty"`
	// maxReplicas is the largest number of servers. While Redis cannot be reached, each server limits to that share of every limit.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	// +required
	MaxReplicas int32 `json:"maxReplicas,omitempty"`
	// targetCPUUtilizationPercentage is the CPU use to aim at, in percent of what the server's container requests (spec.server.resources,
	// 100m when not given), on the average of all servers. Default 70.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +default=70
	// +optional
	TargetCPUUtilizationPercentage *int32 `json:"targetCPUUtilizationPercentage,omitempty"`
}
