package v1alpha1

// LoggingSpec is what the server writes to its log.
type LoggingSpec struct {
	// level is the lowest level that is written. Default INFO.
	// +kubebuilder:validation:Enum=DEBUG;INFO;WARNING;ERROR;CRITICAL
	// +default="INFO"
	// +optional
	Level LogLevel `json:"level,omitempty"`
	// logQueries is what the log tells of the text of a query: Hash, Full or None. Default Hash. Comments of feedback are kept with Full alone.
	// +kubebuilder:validation:Enum=Hash;Full;None
	// +default="Hash"
	// +optional
	LogQueries LogQueries `json:"logQueries,omitempty"`
	// slowQueryThreshold is how long finding passages may take; what takes longer is logged as slow_query. From 0s, which turns
	// that off, to 10m. Default 1s.
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(ms|s|m|h))+$') && duration(self) <= duration('10m')",message="must be a duration from 0s to 10m, such as 500ms or 2s"
	// +default="1s"
	// +optional
	SlowQueryThreshold Duration `json:"slowQueryThreshold,omitempty"`
	// dailyVolumeLimit is how much the servers of the service write in a day (UTC), each its share. When half of it is used, INFO and
	// DEBUG are sampled, more and more; WARNING and above are always written. A line tells what was left out. From 1Mi to 1Ti.
	// Default 100Mi.
	// +kubebuilder:validation:XValidation:rule="isQuantity(self) && quantity(self).compareTo(quantity('1Mi')) >= 0 && quantity(self).compareTo(quantity('1Ti')) <= 0",message="must be an amount from 1Mi to 1Ti, such as 100Mi"
	// +default="100Mi"
	// +optional
	DailyVolumeLimit Quantity `json:"dailyVolumeLimit,omitempty"`
	// file is a copy of the log in files, beside standard output. A change rolls the server's pods.
	// +default={}
	// +optional
	File LogFileSpec `json:"file,omitzero"`
}

// LogFileSpec is a copy of the log in files: app.log, and app.log.1 to app.log.7 of the days before. In a pod they are in
// /var/log/ragservice, an emptyDir, which goes with the pod; alone in the folder logs of the data folder.
// +kubebuilder:validation:XValidation:rule="!has(self.maxBytes) || (has(self.enabled) && self.enabled)",fieldPath=".maxBytes",message="has no effect without spec.logging.file.enabled: set that to true, or remove it"
type LogFileSpec struct {
	// enabled writes the files. Default false.
	// +default=false
	// +optional
	Enabled *bool `json:"enabled,omitempty"`
	// maxBytes bounds all files of a server together; the oldest are removed first, and that of the day has half of it at most. From
	// 16Mi to 1Ti. Default 1Gi.
	// +kubebuilder:validation:XValidation:rule="isQuantity(self) && quantity(self).compareTo(quantity('16Mi')) >= 0 && quantity(self).compareTo(quantity('1Ti')) <= 0",message="must be an amount from 16Mi to 1Ti, such as 1Gi"
	// +optional
	MaxBytes Quantity `json:"maxBytes,omitempty"`
}

// LogQueries is what the log tells of the text of a query.
type LogQueries string

// Values of LogQueries.
const (
	// LogQueriesHash writes a keyed hash: equal queries of a service have the same one, and it does not tell the text.
	LogQueriesHash LogQueries = "Hash"
	// LogQueriesFull writes the text as well, which may be personal.
	LogQueriesFull LogQueries = "Full"
	// LogQueriesNone writes neither.
	LogQueriesNone LogQueries = "None"
)

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
