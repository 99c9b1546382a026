package v1alpha1

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
// +kubebuilder:validation:XValidation:rule=`self.matches(r'^(\*|https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?)$')`,message="must be scheme, host and port of a web page without anything after them, as in https://app.example.com or http://localhost:3000; or *"
type Origin string
