package serverconfig_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/serverconfig"
	"github.com/ragservice/ragservice-operator/runtime/config"
)

func TestTracing(t *testing.T) {
	for name, tt := range map[string]struct {
		spec *v1alpha1.TracingSpec
		want *config.Tracing
	}{
		"none":               {nil, nil},
		"the port of gRPC":   {&v1alpha1.TracingSpec{Endpoint: "http://c:4317"}, &config.Tracing{Endpoint: "http://c:4317", Protocol: "GRPC", SamplingPercent: 10}},
		"another port":       {&v1alpha1.TracingSpec{Endpoint: "http://c:4318"}, &config.Tracing{Endpoint: "http://c:4318", Protocol: "HTTP", SamplingPercent: 10}},
		"no port":            {&v1alpha1.TracingSpec{Endpoint: "https://c/otlp"}, &config.Tracing{Endpoint: "https://c/otlp", Protocol: "HTTP", SamplingPercent: 10}},
		"a protocol, and 0%": {&v1alpha1.TracingSpec{Endpoint: "https://c", Protocol: "GRPC", SamplingPercent: new(int32(0))}, &config.Tracing{Endpoint: "https://c", Protocol: "GRPC"}},
	} {
		rag := load(t, extractive)
		rag.Spec.Monitoring.Tracing = tt.spec
		got, err := serverconfig.Build(rag, config.Stores{})
		if diff := cmp.Diff(tt.want, got.Tracing); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}
