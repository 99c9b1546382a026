package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// MonitoringSpec is who may read the metrics of the servers, and how they are found.
type MonitoringSpec struct {
	// scrapeFrom lists pods that may read the metrics of the servers, such as those of Prometheus. Without it only pods of the operator's namespace
	// may, unless spec.networkPolicy.enabled is false.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +listType=atomic
	// +optional
	ScrapeFrom []ScrapePeer `json:"scrapeFrom,omitempty"` //nolint:kubeapilinter // each peer has a selector, as CEL says
	// serviceMonitor is how Prometheus Operator scrapes the servers.
	// +default={}
	// +optional
	ServiceMonitor ServiceMonitorSpec `json:"serviceMonitor,omitzero"`
	// prometheusRule is how Prometheus gets the rules of spec.alerts.
	// +default={}
	// +optional
	PrometheusRule PrometheusRuleSpec `json:"prometheusRule,omitzero"`
	// tracing sends spans of requests to an OpenTelemetry Collector. Without it there are none.
	// +optional
	Tracing *TracingSpec `json:"tracing,omitempty"`
}

// ScrapePeer is pods that may read metrics.
// +kubebuilder:validation:XValidation:rule="has(self.namespaceSelector) || has(self.podSelector)",message="must have a namespaceSelector, a podSelector or both"
type ScrapePeer struct {
	// namespaceSelector selects namespaces by their labels; an empty one selects all. Without it podSelector is about the
	// RAGService's own namespace.
	// +optional
	NamespaceSelector *metav1.LabelSelector `json:"namespaceSelector,omitempty"`
	// podSelector selects pods of those namespaces; without it all pods.
	// +optional
	PodSelector *metav1.LabelSelector `json:"podSelector,omitempty"`
}

// MonitoringMode says whether an object of another operator is made.
type MonitoringMode string

// Values of MonitoringMode.
const (
	// MonitoringAuto makes it where the API server serves its kind.
	MonitoringAuto MonitoringMode = "Auto"
	// MonitoringDisabled makes none.
	MonitoringDisabled MonitoringMode = "Disabled"
)

// ServiceMonitorSpec is how Prometheus Operator scrapes the servers.
// +kubebuilder:validation:XValidation:rule="!has(self.mode) || self.mode != 'Disabled' || (!has(self.labels) && !has(self.interval))",message="spec.monitoring.serviceMonitor has labels or interval, which have no effect with mode Disabled: remove them, or the mode"
type ServiceMonitorSpec struct {
	// mode Auto makes a ServiceMonitor where the API server serves that kind, also when its definition is installed later. Without one, or with
	// Disabled, the Service <name>-metrics has the annotations prometheus.io/scrape, /port and /path in its place. Default Auto.
	// +kubebuilder:validation:Enum=Auto;Disabled
	// +default="Auto"
	// +optional
	Mode MonitoringMode `json:"mode,omitempty"`
	// labels are put on the ServiceMonitor, for a Prometheus that takes those with a label alone, such as release.
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.size() <= 317 && !format.qualifiedName().validate(k).hasValue())",message="keys of labels are words such as example.com/team: letters, digits, '-', '_' and '.', at most 63 characters after an optional domain"
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.startsWith('ragservice.dev/') && !(k in ['app.kubernetes.io/name', 'app.kubernetes.io/instance', 'app.kubernetes.io/component', 'app.kubernetes.io/part-of', 'app.kubernetes.io/managed-by']))",message="labels ragservice.dev/... and app.kubernetes.io/name, instance, component, part-of and managed-by are the operator's own: take another key"
	// +optional
	Labels map[string]LabelValue `json:"labels,omitempty"`
	// interval is how long Prometheus waits between two scrapes. Default: what Prometheus itself is set to.
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(ms|s|m|h))+$') && duration(self) >= duration('5s') && duration(self) <= duration('5m')",message="must be a duration from 5s to 5m, such as 30s"
	// +optional
	Interval Duration `json:"interval,omitempty"`
}
