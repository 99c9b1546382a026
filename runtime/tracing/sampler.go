package tracing

import (
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// sampler takes the decision of a request's caller, and where that has none samples a percentage that may change at any time.
type sampler struct {
	percent func() int
	byShare [101]sdktrace.Sampler
}

func newSampler(percent func() int) sdktrace.Sampler {
	s := &sampler{percent: percent}
	for share := range s.byShare {
		s.byShare[share] = sdktrace.TraceIDRatioBased(float64(share) / 100)
	}
	return sdktrace.ParentBased(s)
}

// ShouldSample implements sdktrace.Sampler.
func (s *sampler) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	return s.byShare[min(max(s.percent(), 0), len(s.byShare)-1)].ShouldSample(p)
}

// Description implements sdktrace.Sampler.
func (s *sampler) Description() string { return "a percentage of the configuration" }
