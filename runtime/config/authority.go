package config

import (
	"crypto/x509"
	"errors"
)

// Roots are the system's certificate authorities and those of a bundle in PEM; nil, which stands for the system's, when that is
// empty.
func Roots(pem string) (*x509.CertPool, error) {
	if pem == "" {
		return nil, nil //nolint:nilnil // nil is what crypto/tls calls the system's
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // an image without any
	}
	if !roots.AppendCertsFromPEM([]byte(pem)) {
		return nil, errors.New("the entry holds no certificate in PEM")
	}
	return roots, nil
}
