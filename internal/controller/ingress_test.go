package controller_test

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// withIngress is a service with an Ingress of two hosts, whose certificate is in Secret rag-tls.
func (w *world) withIngress(annotations v1alpha1.ObjectAnnotations) *v1alpha1.RAGService {
	return w.service(func(s *v1alpha1.RAGServiceSpec) {
		s.Server.Ingress = &v1alpha1.IngressSpec{
			Hosts: []v1alpha1.Hostname{"rag.example.com", "*.rag.example.com"}, TLS: &v1alpha1.IngressTLS{SecretName: "rag-tls"}, Annotations: annotations,
		}
	})
}

func (w *world) tlsSecret(kind corev1.SecretType, certificate []byte) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "rag-tls"}, Type: kind,
		Data: map[string][]byte{"tls.crt": certificate, "tls.key": []byte("a key")},
	}
}

// What is wrong with the certificate of an Ingress is told, and holds nothing up.
func TestTheCertificateOfAnIngressIsJudged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startOperator()
	rag := w.withIngress(nil)
	w.ready(rag)
	eventuallySays := func(outcome, words string) {
		t.Helper()
		w.eventually(func() string {
			w.eventuallyShows(rag, map[string]string{"SecretsResolved": outcome, "Ready": "True/Ready", "Reconciling": "", "Stalled": ""})
			if c := meta.FindStatusCondition(rag.Status.Conditions, "SecretsResolved"); !strings.Contains(c.Message, words) {
				return "the message is " + c.Message + ", want one with " + words
			}
			return ""
		})
	}
	eventuallySays("False/CertificateUnusable", "does not exist")
	w.eventuallyTells("CertificateUnusable")

	hosts := []string{"rag.example.com", "*.rag.example.com"}
	soon, later := time.Now().Add(100*time.Hour), time.Now().AddDate(1, 0, 0)
	opaque := w.tlsSecret(corev1.SecretTypeOpaque, certificateUntil(t, later, hosts...))
	w.must(w.Create(t.Context(), opaque))
	eventuallySays("False/CertificateUnusable", "kubernetes.io/tls")
	w.must(w.Delete(t.Context(), opaque))

	secret := w.tlsSecret(corev1.SecretTypeTLS, certificateUntil(t, later, hosts[0]))
	w.must(w.Create(t.Context(), secret))
	for _, c := range []struct {
		certificate    []byte
		outcome, words string
	}{
		{secret.Data["tls.crt"], "False/CertificateUnusable", "not for *.rag.example.com"},
		{[]byte("none"), "False/CertificateUnusable", "no certificate"},
		{certificateUntil(t, soon, hosts...), "True/CertificateExpires", "7 days"},
		{certificateUntil(t, time.Now().Add(-time.Hour), hosts...), "False/CertificateExpired", "rag-tls"},
		{certificateUntil(t, later, hosts...), "True/Resolved", ""},
	} {
		secret.Data["tls.crt"] = c.certificate
		w.must(w.Update(t.Context(), secret))
		eventuallySays(c.outcome, c.words)
	}
}

// A certificate that cert-manager is to make is awaited: its absence is no fault.
func TestTheCertificateOfAnIngressIsAwaited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startOperator()
	rag := w.withIngress(v1alpha1.ObjectAnnotations{"cert-manager.io/cluster-issuer": "letsencrypt"})
	w.ready(rag)
	w.eventuallyShows(rag, map[string]string{"SecretsResolved": "True/CertificateAwaited", "Ready": "True/Ready"})
	w.must(w.Create(t.Context(), w.tlsSecret(corev1.SecretTypeTLS, certificateUntil(t, time.Now().AddDate(1, 0, 0), "rag.example.com", "*.rag.example.com"))))
	w.eventuallyShows(rag, map[string]string{"SecretsResolved": "True/Resolved", "Ready": "True/Ready"})
}
