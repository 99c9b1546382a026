package v1alpha1

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
