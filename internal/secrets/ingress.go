package secrets

import (
	"context"
	"crypto/x509"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

const fieldIngressTLS = "spec.server.ingress.tls"

// ingressCertificate looks at the certificate that the ingress controller shows to callers. No pod holds it, so nothing waits for it
// and nothing rolls: a controller shows another one instead, which callers refuse.
func (s *resolver) ingressCertificate(ctx context.Context) error {
	given := s.rag.Spec.Server.Ingress
	if given == nil || given.TLS == nil {
		return nil
	}
	name := given.TLS.SecretName
	meta, err := s.metadata(ctx, s.key(name))
	if err != nil {
		return err
	}
	var secret *known
	if meta != nil {
		if secret, err = s.read(ctx, meta); err != nil {
			return err
		}
	}
	if secret == nil && certManagerMakes(given.Annotations) {
		s.facts.AwaitedCertificate = name
		return nil
	}
	if why := unusable(secret, given.Hosts); why != "" {
		s.problem(desired.SecretProblem{Field: fieldIngressTLS, Secret: name, Reason: v1alpha1.ReasonCertificateUnusable, Detail: why})
	}
	if secret == nil {
		return nil
	}
	if shown := secret.entries[corev1.TLSCertKey]; !shown.firstExpires.IsZero() {
		s.facts.Certificates = append(s.facts.Certificates, desired.Certificates{
			Field: fieldIngressTLS, Secret: name, Key: corev1.TLSCertKey, Expires: shown.firstExpires, Shown: true,
		})
	}
	return nil
}

// certManagerMakes says that cert-manager makes the Secrets of an Ingress with these annotations.
func certManagerMakes(annotations v1alpha1.ObjectAnnotations) bool {
	for key := range annotations {
		if strings.HasPrefix(key, "cert-manager.io/") || key == "kubernetes.io/tls-acme" {
			return true
		}
	}
	return false
}

// unusable says why an ingress controller cannot show the certificate of a Secret for the hosts, or callers refuse it; empty when it can.
func unusable(secret *known, hosts []v1alpha1.Hostname) string {
	if secret == nil {
		return "it does not exist in this namespace"
	}
	shown := secret.entries[corev1.TLSCertKey]
	switch {
	case secret.kind != corev1.SecretTypeTLS:
		return fmt.Sprintf("its type is %s, not %s", secret.kind, corev1.SecretTypeTLS)
	case shown.firstExpires.IsZero():
		return "entry tls.crt holds no certificate in PEM"
	case secret.entries[corev1.TLSPrivateKeyKey].empty:
		return "entry tls.key is empty"
	}
	certificate := &x509.Certificate{DNSNames: shown.names}
	for _, host := range hosts {
		if certificate.VerifyHostname(string(host)) != nil {
			return fmt.Sprintf("its certificate is not for %s", host)
		}
	}
	return ""
}
