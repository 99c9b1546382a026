package tracing

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

// A batch that the collector is too busy for is sent again, within sendTimeout.
const (
	firstRetry   = 250 * time.Millisecond
	longestRetry = 2 * time.Second
)

// tracesPath is where a collector takes spans by HTTP.
const tracesPath = "/v1/traces"

// newExporter sends spans to the endpoint. All that matters is set here: the SDK reads OTEL_EXPORTER_* for what is not.
func newExporter(ctx context.Context, c config.Tracing, headers map[string]string, roots *x509.CertPool) (*otlptrace.Exporter, error) {
	u, err := url.Parse(c.Endpoint)
	if err != nil {
		return nil, errors.New("endpoint is no URL")
	}
	secure := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	if c.Protocol == config.TracingGRPC {
		return overGRPC(ctx, u, headers, secure)
	}
	return overHTTP(ctx, u, headers, secure)
}

// address is host:port of a URL.
func address(u *url.URL) string {
	port := map[string]string{"http": "80", "https": "443"}[u.Scheme]
	return net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port))
}

func overGRPC(ctx context.Context, u *url.URL, headers map[string]string, secure *tls.Config) (*otlptrace.Exporter, error) {
	options := []otlptracegrpc.Option{
		otlptracegrpc.WithEndpoint(address(u)), otlptracegrpc.WithHeaders(headers), otlptracegrpc.WithTimeout(sendTimeout),
		otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{
			Enabled: true, InitialInterval: firstRetry, MaxInterval: longestRetry, MaxElapsedTime: sendTimeout,
		}),
	}
	if u.Scheme == "https" {
		options = append(options, otlptracegrpc.WithTLSCredentials(credentials.NewTLS(secure)))
	} else {
		options = append(options, otlptracegrpc.WithInsecure())
	}
	return otlptracegrpc.New(ctx, options...)
}

func overHTTP(ctx context.Context, u *url.URL, headers map[string]string, secure *tls.Config) (*otlptrace.Exporter, error) {
	path := strings.TrimRight(u.Path, "/")
	options := []otlptracehttp.Option{
		otlptracehttp.WithEndpoint(address(u)), otlptracehttp.WithURLPath(strings.TrimSuffix(path, tracesPath) + tracesPath),
		otlptracehttp.WithHeaders(headers), otlptracehttp.WithEncoding(otlptracehttp.EncodingProtobuf), otlptracehttp.WithTimeout(sendTimeout),
		otlptracehttp.WithHTTPClient(&http.Client{
			Timeout: sendTimeout,
			Transport: &http.Transport{
				Proxy: http.ProxyFromEnvironment, TLSClientConfig: secure, ForceAttemptHTTP2: true,
				MaxIdleConnsPerHost: 1, IdleConnTimeout: 90 * time.Second, MaxResponseHeaderBytes: 64 << 10,
			},
			CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirect },
		}),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{
			Enabled: true, InitialInterval: firstRetry, MaxInterval: longestRetry, MaxElapsedTime: sendTimeout,
		}),
	}
	if u.Scheme != "https" {
		options = append(options, otlptracehttp.WithInsecure())
	}
	return otlptracehttp.New(ctx, options...)
}

// errRedirect is an endpoint that names another: headers are secrets, and for the one that was configured.
var errRedirect = errors.New("the endpoint redirects, which is not followed")

// Words for why a batch was not taken. The collector's own are not told: they may quote what it was sent.
const (
	whyTimeout     = "timeout"
	whyUnreachable = "unreachable"
	whyRefused     = "refused"
)

func why(err error) string {
	var network *net.OpError
	switch code := status.Code(err); {
	case errors.Is(err, context.DeadlineExceeded), code == codes.DeadlineExceeded:
		return whyTimeout
	case errors.As(err, &network), code == codes.Unavailable:
		return whyUnreachable
	default:
		return whyRefused
	}
}
