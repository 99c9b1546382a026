package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// AlertsSpec is when the operator raises an alert: in AlertsClear, in status.alerts and as an event. It judges what all servers together
// counted, in windows of 5 minutes with at least 20 requests. An alert is raised once every window that ended in the last `for` was beyond
// the threshold, and cleared by a window that is a fifth nearer to the good end, at most 5 percent. It never changes Ready.
type AlertsSpec struct {
	// errorRate is the share of requests that failed for a reason of the service: 5xx, and streams that ended in an error.
	// +default={}
	// +optional
	ErrorRate ErrorRateAlert `json:"errorRate,omitzero"`
	// latencyP95 is the time within which 95 of 100 requests are answered: a search whole, an answer without the model's time.
	// +default={}
	// +optional
	LatencyP95 LatencyAlert `json:"latencyP95,omitzero"`
	// cacheHitRate is the share of requests that are answered from the cache. CacheEffective has the same threshold.
	// +default={}
	// +optional
	CacheHitRate CacheHitRateAlert `json:"cacheHitRate,omitzero"`
	// llmAvailability is the share of requests to the language model that are answered.
	// +default={}
	// +optional
	LLMAvailability LLMAvailabilityAlert `json:"llmAvailability,omitzero"`
	// diskUsage is how full the fullest disk of the search engine is. A managed OpenSearch takes no writes while less than 5 percent of
	// spec.openSearch.managed.storage is free, others by their own watermarks.
	// +default={}
	// +optional
	DiskUsage DiskUsageAlert `json:"diskUsage,omitzero"`
	// receivers are who is told. Default nobody.
	// +optional
	Receivers *AlertReceivers `json:"receivers,omitempty"`
}

// AlertMode says whether an alert is judged.
type AlertMode string

// Values of AlertMode.
const (
	// AlertEnabled judges it.
	AlertEnabled AlertMode = "Enabled"
	// AlertDisabled does not.
	AlertDisabled AlertMode = "Disabled"
)

// ErrorRateAlert is raised while more requests fail.
type ErrorRateAlert struct {
	// mode says whether the alert is judged. Default Enabled.
	// +kubebuilder:validation:Enum=Enabled;Disabled
	// +default="Enabled"
	// +optional
	Mode AlertMode `json:"mode,omitempty"`
	// percent of requests that may fail. 1 to 99. Default 5.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=99
	// +default=5
	// +optional
	Percent *int32 `json:"percent,omitempty"`
	// for is how long the rate must be over it, in whole minutes. 0s to 30m. Default 5m.
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(ms|s|m|h))+$') && duration(self) <= duration('30m')",message="must be a duration from 0s to 30m, such as 5m"
	// +default="5m"
	// +optional
	For Duration `json:"for,omitempty"`
	// objectivePercent of requests that shall not fail in 30 days. The rest is the error budget: Prometheus raises RAGServiceErrorBudgetBurn when it
	// goes too fast, in hours or in days. 95 to 99.99. Default 99.5.
	// +kubebuilder:validation:XValidation:rule="self.matches('^[0-9]{1,3}([.][0-9]{1,4})?$') && double(self) >= 95.0 && double(self) <= 99.99",message="must be a number from 95 to 99.99 in quotes, such as \"99.9\""
	// +default="99.5"
	// +optional
	ObjectivePercent Decimal `json:"objectivePercent,omitempty"`
}

// LatencyAlert is raised while answers take longer.
type LatencyAlert struct {
	// mode says whether the alert is judged. Default Enabled.
	// +kubebuilder:validation:Enum=Enabled;Disabled
	// +default="Enabled"
	// +optional
	Mode AlertMode `json:"mode,omitempty"`
	// threshold that 95 of 100 answers must keep. 10ms to 1m. Default 5s.
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(ms|s|m|h))+$') && duration(self) >= duration('10ms') && duration(self) <= duration('1m')",message="must be a duration from 10ms to 1m, such as 5s"
	// +default="5s"
	// +optional
	Threshold Duration `json:"threshold,omitempty"`
	// for is how long answers must take longer, in whole minutes. 0s to 30m. Default 5m.
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(ms|s|m|h))+$') && duration(self) <= duration('30m')",message="must be a duration from 0s to 30m, such as 5m"
	// +default="5m"
	// +optional
	For Duration `json:"for,omitempty"`
}

// CacheHitRateAlert is raised while the cache answers fewer requests.
type CacheHitRateAlert struct {
	// mode says whether the alert is judged. Default Enabled.
	// +kubebuilder:validation:Enum=Enabled;Disabled
	// +default="Enabled"
	// +optional
	Mode AlertMode `json:"mode,omitempty"`
	// percent of requests that the cache must answer, a multiple of 5 as status.cache shows it. 5 to 100. Default 50.
	// +kubebuilder:validation:Minimum=5
	// +kubebuilder:validation:Maximum=100
	// +kubebuilder:validation:MultipleOf=5
	// +default=50
	// +optional
	Percent *int32 `json:"percent,omitempty"`
	// for is how long the rate must be under it, in whole minutes. 0s to 30m. Default 5m.
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(ms|s|m|h))+$') && duration(self) <= duration('30m')",message="must be a duration from 0s to 30m, such as 5m"
	// +default="5m"
	// +optional
	For Duration `json:"for,omitempty"`
}

// LLMAvailabilityAlert is raised while the language model answers fewer requests.
type LLMAvailabilityAlert struct {
	// mode says whether the alert is judged. Default Enabled.
	// +kubebuilder:validation:Enum=Enabled;Disabled
	// +default="Enabled"
	// +optional
	Mode AlertMode `json:"mode,omitempty"`
	// percent of requests to the model that must be answered. 1 to 100. Default 95.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	// +default=95
	// +optional
	Percent *int32 `json:"percent,omitempty"`
	// for is how long the rate must be under it, in whole minutes. 0s to 30m. Default 5m.
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(ms|s|m|h))+$') && duration(self) <= duration('30m')",message="must be a duration from 0s to 30m, such as 5m"
	// +default="5m"
	// +optional
	For Duration `json:"for,omitempty"`
}

// DiskUsageAlert is raised while a disk is fuller.
type DiskUsageAlert struct {
	// mode says whether the alert is judged. Default Enabled.
	// +kubebuilder:validation:Enum=Enabled;Disabled
	// +default="Enabled"
	// +optional
	Mode AlertMode `json:"mode,omitempty"`
	// percent of a disk that may be in use. 1 to 99. Default 80.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=99
	// +default=80
	// +optional
	Percent *int32 `json:"percent,omitempty"`
	// for is how long the disk must be fuller, in whole minutes. 0s to 30m. Default 5m.
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(ms|s|m|h))+$') && duration(self) <= duration('30m')",message="must be a duration from 0s to 30m, such as 5m"
	// +default="5m"
	// +optional
	For Duration `json:"for,omitempty"`
}

// AlertName is an alert.
type AlertName string

// Values of AlertName.
const (
	// AlertErrorRate is spec.alerts.errorRate.
	AlertErrorRate AlertName = "ErrorRate"
	// AlertLatencyP95 is spec.alerts.latencyP95.
	AlertLatencyP95 AlertName = "LatencyP95"
	// AlertCacheHitRate is spec.alerts.cacheHitRate.
	AlertCacheHitRate AlertName = "CacheHitRate"
	// AlertLLMAvailability is spec.alerts.llmAvailability.
	AlertLLMAvailability AlertName = "LLMAvailability"
	// AlertDiskUsage is spec.alerts.diskUsage.
	AlertDiskUsage AlertName = "DiskUsage"
)

// AlertStatus is an alert that is raised.
type AlertStatus struct {
	// name of the alert.
	// +kubebuilder:validation:Enum=ErrorRate;LatencyP95;CacheHitRate;LLMAvailability;DiskUsage
	// +required
	Name AlertName `json:"name,omitempty"`
	// since is the end of the first window that was beyond the threshold.
	// +required
	Since metav1.Time `json:"since,omitzero"` //nolint:kubeapilinter // a raised alert always has one
	// value of now, in steps of 5 percent or of a tenth of the threshold; exact ones are metrics of the servers.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	// +required
	Value string `json:"value,omitempty"`
	// threshold that the value is beyond.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16
	// +required
	Threshold string `json:"threshold,omitempty"`
}
