package v1alpha1

// GatewaySpec is an HTTPRoute from Gateways to the server. It is made when the cluster serves that kind, at once or later.
type GatewaySpec struct {
	// parentRefs are the Gateways, which have to admit routes of this namespace.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +listType=atomic
	// +required
	ParentRefs []GatewayReference `json:"parentRefs,omitempty"`
	// hostnames are the names under which the server is reached: rag.example.com, or *.example.com for every name below it. Default: those of
	// the Gateways' listeners.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +listType=set
	// +optional
	Hostnames []Hostname `json:"hostnames,omitempty"`
}

// GatewayReference names a Gateway, or one of its listeners.
type GatewayReference struct {
	// name of the Gateway.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="must be the name of a Gateway: lower-case letters, digits, '-' and '.'"
	// +required
	Name string `json:"name,omitempty"`
	// namespace of the Gateway. Default: that of the RAGService.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Label().validate(self).hasValue()",message="must be the name of a namespace: lower-case letters, digits and '-'"
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// sectionName is the name of one listener of the Gateway. Default: all that admit the route.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="must be the name of a listener: lower-case letters, digits, '-' and '.'"
	// +optional
	SectionName string `json:"sectionName,omitempty"`
	// port is that of the listeners. Default: any.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +optional
	Port *int32 `json:"port,omitempty"`
}
