package v1alpha1

// PodMetadata is what the pods of a component carry beside the operator's own labels and annotations.
type PodMetadata struct {
	// labels are added to the pods. The operator's own, ragservice.dev/... and app.kubernetes.io/name, instance, component, part-of
	// and managed-by, are refused.
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=32
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.size() <= 317 && !format.qualifiedName().validate(k).hasValue())",message="keys of labels are words such as example.com/team: letters, digits, '-', '_' and '.', at most 63 characters after an optional domain"
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.startsWith('ragservice.dev/') && !(k in ['app.kubernetes.io/name', 'app.kubernetes.io/instance', 'app.kubernetes.io/component', 'app.kubernetes.io/part-of', 'app.kubernetes.io/managed-by']))",message="labels ragservice.dev/... and app.kubernetes.io/name, instance, component, part-of and managed-by are the operator's own: take another key"
	// +optional
	Labels map[string]LabelValue `json:"labels,omitempty"`
	// annotations are added to the pods. Those of ragservice.dev/... are refused.
	// +optional
	Annotations ObjectAnnotations `json:"annotations,omitempty"`
}

// LabelValue is the value of a label.
//
// +kubebuilder:validation:MinLength=0
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$`
type LabelValue string

// ObjectAnnotations are annotations of an object that the operator makes, beside its own.
//
// +kubebuilder:validation:MinProperties=1
// +kubebuilder:validation:MaxProperties=32
// +kubebuilder:validation:XValidation:rule="self.all(k, k.size() <= 317 && !format.qualifiedName().validate(k).hasValue())",message="keys of annotations are words such as example.com/team: letters, digits, '-', '_' and '.', at most 63 characters after an optional domain"
// +kubebuilder:validation:XValidation:rule="self.all(k, !k.startsWith('ragservice.dev/'))",message="annotations ragservice.dev/... are the operator's own: take another key"
type ObjectAnnotations map[string]string
