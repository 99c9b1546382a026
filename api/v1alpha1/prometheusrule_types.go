package v1alpha1

// PrometheusRuleSpec is how Prometheus gets the rules of spec.alerts.
type PrometheusRuleSpec struct {
	// mode Auto makes a PrometheusRule <name>-alerts where the API server serves that kind, also when its definition is installed later. Without
	// one, or with Disabled, the ConfigMap <name>-alert-rules has the same rules as a file for Prometheus, rules.yaml. Default Auto.
	// +kubebuilder:validation:Enum=Auto;Disabled
	// +default="Auto"
	// +optional
	Mode MonitoringMode `json:"mode,omitempty"`
	// labels are put on the PrometheusRule, or on the ConfigMap, for a Prometheus or a sidecar that takes those with a label alone.
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.size() <= 317 && !format.qualifiedName().validate(k).hasValue())",message="keys of labels are words such as example.com/team: letters, digits, '-', '_' and '.', at most 63 characters after an optional domain"
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.startsWith('ragservice.dev/') && !(k in ['app.kubernetes.io/name', 'app.kubernetes.io/instance', 'app.kubernetes.io/component', 'app.kubernetes.io/part-of', 'app.kubernetes.io/managed-by']))",message="labels ragservice.dev/... and app.kubernetes.io/name, instance, component, part-of and managed-by are the operator's own: take another key"
	// +optional
	Labels map[string]LabelValue `json:"labels,omitempty"`
}
