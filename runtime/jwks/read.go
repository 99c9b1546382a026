package jwks

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

const (
	// readTimeout bounds one look at the issuer's keys, which a request may wait for.
	readTimeout = 5 * time.Second
	// maxBytes bounds a set of keys.
	maxBytes = 1 << 20
)

var errRedirect = errors.New("the issuer redirects, which is not followed: set spec.auth.jwt.jwksURL to the final address")

// newClient is a client for an issuer whose certificate one of roots signs; nil are those of the system.
func newClient(roots *x509.CertPool) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			IdleConnTimeout: 90 * time.Second, ForceAttemptHTTP2: true,
		},
		Timeout:       readTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirect },
	}
}

// read gets the keys from the issuer.
func read(client *http.Client, place string) (keys []jose.JSONWebKey, weak int, err error) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, place, nil) // the client bounds it
	if err != nil {
		return nil, 0, err
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := client.Do(request)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("the issuer answers %s", response.Status)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBytes+1))
	if err != nil {
		return nil, 0, err
	}
	if len(body) > maxBytes {
		return nil, 0, fmt.Errorf("the issuer's keys have more than %d bytes", maxBytes)
	}
	return config.ParseJWKS(body)
}
