package serverconfig

import (
	"net/url"

	"k8s.io/utils/ptr"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

// defaultSamplingPercent is that of the schema, for objects that did not pass it.
const defaultSamplingPercent = int32(10)

// portOfGRPC is the port that collectors take OTLP by gRPC on.
const portOfGRPC = "4317"

func buildTracing(spec *v1alpha1.TracingSpec) *config.Tracing {
	if spec == nil {
		return nil
	}
	protocol := config.TracingProtocol(spec.Protocol)
	if protocol == "" {
		protocol = config.TracingHTTP
		if u, err := url.Parse(spec.Endpoint); err == nil && u.Port() == portOfGRPC {
			protocol = config.TracingGRPC
		}
	}
	return &config.Tracing{
		Endpoint:        spec.Endpoint,
		Protocol:        protocol,
		SamplingPercent: int(ptr.Deref(spec.SamplingPercent, defaultSamplingPercent)),
	}
}
