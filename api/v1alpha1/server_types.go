package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
)

// ServerSpec is the server that answers requests.
type ServerSpec struct {
	// replicas is the number of server pods. Default 2, so that a node can be drained without an outage. 0 stops the
	// server and keeps the stores.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	// +default=2
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`
	// image is the server's container image. Without it the operator uses the one it was released with, and an upgrade
	// of the operator moves it.
	// +optional
	Image Image `json:"image,omitempty"`
	// resources of the server's container. Default: requests of 100m CPU and 128Mi memory, limits of 2 CPU and 512Mi memory. A
	// resource that is named in requests or limits is as given there; others keep their default.
	// +optional
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`
	// podMetadata has further labels and annotations for the pods of the server, as service meshes want them. A change replaces them one by one.
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
	// cors lets web pages of other origins call the API from a browser. Default: none may.
	// +default={}
	// +optional
	CORS CORSSpec `json:"cors,omitzero"`
}

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
	Value string `json:"value,omitempty"`
}

// CORSSpec is which web pages may read answers in a browser. Keys travel in headers, so cookies are never sent.
type CORSSpec struct {
	// allowedOrigins are the origins of such pages: scheme, host, and port where it is not the scheme's own, as in
	// https://app.example.com; or * for every page.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	// +listType=set
	// +optional
	AllowedOrigins []Origin `json:"allowedOrigins,omitempty"`
}

// Origin is the origin of a web page, or * for any.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=267
// +kubebuilder:validation:Pattern=`^(\*|https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?)$`
type Origin string

// Image is a reference to a container image.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=512
// +kubebuilder:validation:Pattern=`^[^\s]+$`
type Image string

// AuthSpec is how callers say who they are.
// +kubebuilder:validation:XValidation:rule="!has(self.mode) || self.mode != 'Anonymous' || !has(self.apiKeysSecretRef)",fieldPath=".apiKeysSecretRef",reason=FieldValueForbidden,message="spec.auth.apiKeysSecretRef has no effect with spec.auth.mode Anonymous: remove it, or set mode to APIKey"
type AuthSpec struct {
	// mode is APIKey (each request carries a key) or Anonymous (anybody may ask; administration still needs the
	// generated administrator's key). Default APIKey.
	// +kubebuilder:validation:Enum=APIKey;Anonymous
	// +default="APIKey"
	// +optional
	Mode AuthMode `json:"mode,omitempty"`
	// apiKeysSecretRef names a Secret of this namespace in which each entry is one key: its name the key's name, its
	// value JSON {"key","tier","tenant","role":"admin|client"}. Without it the operator generates the Secret
	// <name>-api-keys with an administrator's and a client's key.
	// +optional
	APIKeysSecretRef *SecretReference `json:"apiKeysSecretRef,omitempty"`
}

// AuthMode is how callers say who they are.
type AuthMode string

// Values of AuthMode.
const (
	// AuthModeAPIKey wants a key with each request.
	AuthModeAPIKey AuthMode = "APIKey"
	// AuthModeAnonymous lets anybody search and ask.
	AuthModeAnonymous AuthMode = "Anonymous"
)

// SecretReference names a Secret of the same namespace.
type SecretReference struct {
	// name of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +required
	Name string `json:"name,omitempty"`
}

// SecretKeyReference names a Secret of the same namespace and one of its entries.
type SecretKeyReference struct {
	// name of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +required
	Name string `json:"name,omitempty"`
	// key is the entry of the Secret.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[-._a-zA-Z0-9]+$`
	// +required
	Key string `json:"key,omitempty"`
}

// LoggingSpec is what the server writes to its log.
type LoggingSpec struct {
	// level is the lowest level that is written. Default INFO.
	// +kubebuilder:validation:Enum=DEBUG;INFO;WARNING;ERROR;CRITICAL
	// +default="INFO"
	// +optional
	Level LogLevel `json:"level,omitempty"`
}

// LogLevel is the weight of a log line.
type LogLevel string

// Values of LogLevel.
const (
	// LogLevelDebug is what helps to find a fault.
	LogLevelDebug LogLevel = "DEBUG"
	// LogLevelInfo is what happens in normal work, refused requests included.
	LogLevelInfo LogLevel = "INFO"
	// LogLevelWarning is what costs speed or quality.
	LogLevelWarning LogLevel = "WARNING"
	// LogLevelError is a request that failed by the service's fault.
	LogLevelError LogLevel = "ERROR"
	// LogLevelCritical is what keeps the server from working.
	LogLevelCritical LogLevel = "CRITICAL"
)

// NetworkPolicySpec closes the network around the service's pods.
// +kubebuilder:validation:XValidation:rule="!has(self.enabled) || self.enabled || !has(self.egress)",fieldPath=".egress",reason=FieldValueForbidden,message="spec.networkPolicy.egress has no effect with spec.networkPolicy.enabled false: remove it, or enable the policies"
type NetworkPolicySpec struct {
	// enabled makes NetworkPolicies: in from what uses a part, out to DNS, the service's own stores and the port of
	// each configured URL. Default true.
	// +default=true
	// +optional
	Enabled *bool `json:"enabled,omitempty"`
	// egress lists further addresses that server pods may connect to.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	Egress []EgressRule `json:"egress,omitempty"`
}

// EgressRule is a block of addresses and a port that server pods may connect to.
type EgressRule struct {
	// cidr is the block of addresses: 10.1.0.0/16, or one address with /32.
	// +kubebuilder:validation:MinLength=4
	// +kubebuilder:validation:MaxLength=43
	// +kubebuilder:validation:XValidation:rule="isCIDR(self)",message="must be a block of addresses such as 10.1.0.0/16"
	// +required
	CIDR string `json:"cidr,omitempty"`
	// port is the TCP port.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +required
	Port int32 `json:"port,omitempty"`
}
