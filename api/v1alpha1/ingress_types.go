package v1alpha1

// IngressSpec is an Ingress in front of the server.
type IngressSpec struct {
	// className is the IngressClass. Default: the cluster's.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="must be the name of an IngressClass: lower-case letters, digits, '-' and '.'"
	// +optional
	ClassName string `json:"className,omitempty"`
	// hosts are the names under which the server is reached: rag.example.com, or *.example.com for every name of one more word.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +listType=set
	// +required
	Hosts []Hostname `json:"hosts,omitempty"`
	// path is what the paths of requests begin with. They reach the server as they are: nothing is taken off. Default /, all of them.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="self.matches('^/[-A-Za-z0-9._~/]*$') && !self.contains('//') && !self.matches('/[.]{1,2}(/|$)')",message="must be a path such as /api, of letters, digits, '-', '.', '_' and '~', without // and without . or .. between slashes"
	// +default="/"
	// +optional
	Path string `json:"path,omitempty"`
	// tls has the ingress controller end TLS for all hosts. Default: plain HTTP.
	// +optional
	TLS *IngressTLS `json:"tls,omitempty"`
	// annotations are further annotations of the Ingress: of its controller, or cert-manager.io/cluster-issuer, which has cert-manager make the
	// Secret of tls.
	// +optional
	Annotations ObjectAnnotations `json:"annotations,omitempty"`
}

// IngressTLS is where an Ingress has its certificate from.
type IngressTLS struct {
	// secretName is a Secret of the RAGService's namespace of the type kubernetes.io/tls, with tls.crt and tls.key. The ingress controller
	// reads it. SecretsResolved tells when it is missing, for other hosts, or expires; nothing waits for it.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self).hasValue()",message="must be the name of a Secret: lower-case letters, digits, '-' and '.'"
	// +required
	SecretName string `json:"secretName,omitempty"`
}

// Hostname is the name of a host, or with *. in front all names of one more word.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=253
// +kubebuilder:validation:XValidation:rule="!format.dns1123Subdomain().validate(self.startsWith('*.') ? self.substring(2) : self).hasValue() && !self.matches('^[0-9]+([.][0-9]+){3}$')",message="must be a name such as rag.example.com or *.example.com: lower-case letters, digits, '-' and '.', and no address"
type Hostname string
