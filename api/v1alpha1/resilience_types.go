package v1alpha1

// ResilienceSpec is what a server does while something that it needs is slow or down, and while it has more requests than it can answer.
// Running servers take up changes.
type ResilienceSpec struct {
	// retries is how often a model that refused the connection or answered 429, 502 or 503 is asked again for one answer, within its timeout and
	// a budget: all retries together are at most a fifth of the requests, after the first ten. 0 to 10. Default 3.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10
	// +default=3
	// +optional
	Retries *int32 `json:"retries,omitempty"`
	// initialBackoff is the wait before the first retry, which doubles with each, and has up to a quarter of jitter. 100ms to 1m. Default 1s.
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(ms|s|m|h))+$') && duration(self) >= duration('100ms') && duration(self) <= duration('1m')",message="must be a duration from 100ms to 1m, such as 1s"
	// +default="1s"
	// +optional
	InitialBackoff Duration `json:"initialBackoff,omitempty"`
	// circuitBreaker is when the search engine or a model counts as down. Each has one of its own. (Redis is asked every second.)
	// +default={}
	// +optional
	CircuitBreaker CircuitBreakerSpec `json:"circuitBreaker,omitzero"`
	// maxInFlight is how many requests a server works on at once. Beyond nine tenths of it no ask begins, beyond eight tenths no stream and no
	// upload. As many again may wait; then the least important are refused. 1 to 10000. Default 256.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	// +default=256
	// +optional
	MaxInFlight *int32 `json:"maxInFlight,omitempty"`
	// queueTimeout is how long a request waits for its turn before it is refused with 503. 0s, which refuses at once, to 1m. Default 2s.
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(ms|s|m|h))+$') && duration(self) <= duration('1m')",message="must be a duration from 0s to 1m, such as 2s"
	// +default="2s"
	// +optional
	QueueTimeout Duration `json:"queueTimeout,omitempty"`
}

// CircuitBreakerSpec is when a dependency counts as down and fails at once.
type CircuitBreakerSpec struct {
	// failures in a row open the circuit. 1 to 100. Default 5.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	// +default=5
	// +optional
	Failures *int32 `json:"failures,omitempty"`
	// openFor is how long it stays open before one request is let through to see. 1s to 1h. Default 30s.
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}(ms|s|m|h))+$') && duration(self) >= duration('1s') && duration(self) <= duration('1h')",message="must be a duration from 1s to 1h, such as 30s"
	// +default="30s"
	// +optional
	OpenFor Duration `json:"openFor,omitempty"`
}
