package v1alpha1

// ServiceSpec is the Service in front of the server.
type ServiceSpec struct {
	// type is ClusterIP (reached inside the cluster), NodePort (on a port of each node) or LoadBalancer (an address of the cloud's).
	// With the last two the network policies still let every address in to the API, which speaks plain HTTP. Default ClusterIP.
	// +kubebuilder:validation:Enum=ClusterIP;NodePort;LoadBalancer
	// +default="ClusterIP"
	// +optional
	Type ServiceType `json:"type,omitempty"`
	// annotations are further annotations of the Service, such as those of a cloud's load balancer.
	// +optional
	Annotations ObjectAnnotations `json:"annotations,omitempty"`
}

// ServiceType is how a Service is reached.
type ServiceType string

// Values of ServiceType.
const (
	// ServiceTypeClusterIP is reached inside the cluster.
	ServiceTypeClusterIP ServiceType = "ClusterIP"
	// ServiceTypeNodePort is reached on a port of each node too.
	ServiceTypeNodePort ServiceType = "NodePort"
	// ServiceTypeLoadBalancer is reached on an address that the cloud gives too.
	ServiceTypeLoadBalancer ServiceType = "LoadBalancer"
)
