package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
)

// ServerSpec is the server that answers requests.
// +kubebuilder:validation:XValidation:rule="!has(self.autoscaling) || !has(self.replicas) || self.replicas > 0",fieldPath=".replicas",message="spec.server.replicas 0 stops the server, which an autoscaler would start again: remove spec.server.autoscaling, or replicas"
type ServerSpec struct {
	// replicas is the number of server pods. Default 2, so that a node can be drained without an outage. 0 stops the
	// server and keeps the stores. It is ignored with autoscaling.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	// +default=2
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`
	// autoscaling has the number of servers follow their load, in place of replicas. An autoscaler of your own targets the RAGService, whose
	// scale subresource is replicas, and not the Deployment.
	// +optional
	Autoscaling *AutoscalingSpec `json:"autoscaling,omitempty"`
	// minAvailable is how many servers must be ready, with the configuration as it is, for the service to be Ready. More than shall run
	// is taken for all of them. Default 1: the service is Ready while it answers, and ServerReady tells of servers that are missing.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	// +optional
	MinAvailable *int32 `json:"minAvailable,omitempty"`
	// image is the server's container image. Without it the operator uses the one it was released with, and an upgrade
	// of the operator moves it.
	// +optional
	Image Image `json:"image,omitempty"`
	// resources of the server's container. Default: requests of 100m CPU and 128Mi memory, limits of 2 CPU and 512Mi memory. A
	// resource that is named in requests or limits is as given there; others keep their default.
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`
	// scheduling says which nodes the pods of the server run on. A change replaces them one by one.
	// +default={}
	// +optional
	Scheduling SchedulingSpec `json:"scheduling,omitzero"`
	// podMetadata has further labels and annotations for the pods of the server and for those that take snapshots, as service meshes want them. A
	// change replaces the servers one by one.
	// +default={}
	// +optional
	PodMetadata PodMetadata `json:"podMetadata,omitzero"`
	// serviceAccountAnnotations are further annotations of the ServiceAccount of the server, such as the workload identity of a cloud.
	// They take effect on pods that are made afterwards.
	// +optional
	ServiceAccountAnnotations ObjectAnnotations `json:"serviceAccountAnnotations,omitempty"`
	// env are further variables of the server's environment, such as HTTPS_PROXY and NO_PROXY for the way to the model (the stores
	// are never reached through a proxy). They are no place for passwords: everybody who may read pods sees them. A change
	// replaces the pods one by one.
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +optional
	Env []EnvVar `json:"env,omitempty"`
	// service is the Service in front of the server.
	// +default={}
	// +optional
	Service ServiceSpec `json:"service,omitzero"`
	// ingress makes an Ingress of the server, through which it is reached from outside the cluster. Default: none.
	// +optional
	Ingress *IngressSpec `json:"ingress,omitempty"`
	// gateway makes an HTTPRoute of the Gateway API to the server, through which it is reached from outside the cluster. Default: none.
	// +optional
	Gateway *GatewaySpec `json:"gateway,omitempty"`
	// cors lets web pages of other origins call the API from a browser. Default: none may.
	// +default={}
	// +optional
	CORS CORSSpec `json:"cors,omitzero"`
}

// EnvVar is a variable of an environment.
type EnvVar struct {
	// name of the variable. POD_NAME, POD_UID and GOMEMLIMIT (nine tenths of the memory limit) are set by the operator.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:Pattern=`^[A-Za-z_][A-Za-z0-9_]*$`
	// +kubebuilder:validation:XValidation:rule="!(self in ['POD_NAME', 'POD_UID', 'GOMEMLIMIT'])",message="POD_NAME, POD_UID and GOMEMLIMIT are set by the operator: remove the variable (spec.server.resources.limits.memory moves GOMEMLIMIT)"
	// +required
	Name string `json:"name,omitempty"`
	// value of the variable. As in a pod, $(NAME) stands for a variable that comes before it. Default empty.
	// +kubebuilder:validation:MinLength=0
	// +kubebuilder:validation:MaxLength=4096
	// +optional
	Value string `json:"value,omitempty"` //nolint:kubeapilinter // an empty value is the same as none
}
