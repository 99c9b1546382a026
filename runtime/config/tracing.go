package config

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Tracing is where spans are sent to, and of which requests. All but SamplingPercent takes effect on restart.
type Tracing struct {
	// Endpoint is an http or https URL; with TracingHTTP that which /v1/traces is added to, unless it ends so.
	Endpoint string          `json:"endpoint"`
	Protocol TracingProtocol `json:"protocol"`
	// SamplingPercent of the requests whose caller has not decided are traced.
	SamplingPercent int `json:"samplingPercent"`
}

// TracingProtocol is how spans are sent.
type TracingProtocol string

// Values of TracingProtocol: OTLP by gRPC, and by HTTP in protobuf.
const (
	TracingGRPC TracingProtocol = "GRPC"
	TracingHTTP TracingProtocol = "HTTP"
)

func (t *Tracing) validate(p *problems) {
	if t == nil {
		return
	}
	p.need(isHTTP(t.Endpoint), "tracing.endpoint", "must be an http or https URL")
	p.need(t.Protocol == TracingGRPC || t.Protocol == TracingHTTP, "tracing.protocol", "must be GRPC or HTTP")
	p.need(t.SamplingPercent >= 0 && t.SamplingPercent <= 100, "tracing.samplingPercent", "must be from 0 to 100")
}

// maxTracingHeaders bounds the headers that spans are sent with.
const maxTracingHeaders = 16

// headerName and headerValue are what both HTTP and gRPC take.
var (
	headerName  = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,128}$`)
	headerValue = regexp.MustCompile(`^[\x20-\x7E]*$`)
)

// ParseTracingHeaders reads headers as OTEL_EXPORTER_OTLP_HEADERS has them: name=value, with commas or lines between, values
// percent-encoded where they hold either. Errors quote nothing of it.
func ParseTracingHeaders(text string) (map[string]string, error) {
	headers := map[string]string{}
	for i, pair := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		name, value, found := strings.Cut(pair, "=")
		name = strings.TrimSpace(name)
		value, err := url.PathUnescape(strings.TrimSpace(value))
		switch {
		case !found || !headerName.MatchString(name):
			return nil, fmt.Errorf("header %d is not name=value", i+1)
		case err != nil || !headerValue.MatchString(value):
			return nil, fmt.Errorf("the value of header %d cannot be sent: percent-encode it", i+1)
		}
		headers[strings.ToLower(name)] = value
	}
	switch {
	case len(headers) == 0:
		return nil, errors.New("it holds no header: write name=value")
	case len(headers) > maxTracingHeaders:
		return nil, fmt.Errorf("it holds more than %d headers", maxTracingHeaders)
	}
	return headers, nil
}
