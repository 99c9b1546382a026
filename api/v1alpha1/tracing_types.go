package v1alpha1

// TracingSpec is where spans of requests go, and of how many.
// +kubebuilder:validation:XValidation:rule="!has(self.caSecretRef) || self.endpoint.startsWith('https://')",fieldPath=".caSecretRef",reason=FieldValueForbidden,message="spec.monitoring.tracing.caSecretRef has no effect with an endpoint of http: remove it, or make endpoint https"
// +kubebuilder:validation:XValidation:rule="!(has(self.protocol) ? self.protocol == 'GRPC' : self.endpoint.matches('^https?://[^/]+:4317(/|$)')) || self.endpoint.matches('^https?://[^/]+/?$')",fieldPath=".endpoint",message="spec.monitoring.tracing.endpoint has a path, which OTLP by gRPC has not: remove it, or set protocol to HTTP"
type TracingSpec struct {
	// endpoint is the address of the Collector, such as http://collector.monitoring.svc:4317. By HTTP /v1/traces is added to it, unless it
	// ends so.
	// +kubebuilder:validation:MinLength=8
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="self.matches('^https?://([^][@?#/:[:space:]]+|[[][0-9a-fA-F:.]+])(:[0-9]{1,5})?(/[^@?#[:space:]]*)?$') && isURL(self) && (url(self).getPort() == \"\" || int(url(self).getPort()) <= 65535)",message="must be an http or https URL without user, query or fragment, such as http://collector.monitoring.svc:4317 (a key belongs into headersSecretRef)"
	// +required
	Endpoint string `json:"endpoint,omitempty"`
	// protocol is how spans are sent: OTLP by GRPC, or by HTTP in protobuf. Default GRPC where endpoint has port 4317, else HTTP.
	// +kubebuilder:validation:Enum=GRPC;HTTP
	// +optional
	Protocol TracingProtocol `json:"protocol,omitempty"`
	// samplingPercent of the requests are traced whose caller has not decided (a traceparent says whether theirs is). Running servers take it
	// up. 0 to 100, default 10.
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	// +default=10
	// +optional
	SamplingPercent *int32 `json:"samplingPercent,omitempty"`
	// headersSecretRef is headers that spans are sent with, as OTEL_EXPORTER_OTLP_HEADERS has them: name=value, with commas or lines between,
	// values percent-encoded.
	// +optional
	HeadersSecretRef *SecretKeyReference `json:"headersSecretRef,omitempty"`
	// caSecretRef is a bundle of certificates in PEM, which sign that of the endpoint beside those of the public authorities.
	// +optional
	CASecretRef *SecretKeyReference `json:"caSecretRef,omitempty"`
}

// TracingProtocol is how spans are sent.
type TracingProtocol string

// Values of TracingProtocol.
const (
	TracingGRPC TracingProtocol = "GRPC"
	TracingHTTP TracingProtocol = "HTTP"
)
