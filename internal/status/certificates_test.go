package status_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/status"
)

// certificates has two bundles, of which the second expires first: after a time.
func certificates(after time.Duration) change {
	return func(p *status.Pass) {
		p.Secrets.Certificates = []desired.Certificates{
			{Field: "spec.models.llm.caSecretRef", Secret: "authority", Key: "ca.crt", Expires: p.Now.AddDate(10, 0, 0)},
			{Field: "spec.redis.external.tls.caSecretRef", Secret: "redis", Key: "ca.crt", Expires: p.Now.Add(after)},
		}
	}
}

func ingressCertificate(p *status.Pass) {
	p.Secrets.Problems = []desired.SecretProblem{
		{Field: "spec.server.ingress.tls", Secret: "rag-tls", Reason: v1alpha1.ReasonCertificateUnusable, Detail: "it does not exist in this namespace"},
	}
}

// TestCertificatesAreToldOf 30, 7 and 1 day before they expire, and then, once each: the operator looks just when one is due.
func TestCertificatesAreToldOf(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	p := wellPass(certificates(60 * day))
	expires := p.Secrets.Certificates[1].Expires
	var told []string
	for range 20 {
		verdict := status.Evaluate(p)
		p.Service.Status = verdict.Status
		for _, e := range verdict.Events {
			told = append(told, expires.Sub(p.Now).String()+" before: "+e.Type+" "+e.Reason)
		}
		p.Now = p.Now.Add(min(verdict.RecheckAfter, 5*day)) // other passes come in between
	}
	want := []string{
		"720h0m0s before: Warning CertificateExpires", "168h0m0s before: Warning CertificateExpires", "24h0m0s before: Warning CertificateExpires",
		"0s before: Warning CertificateExpired",
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	p.Secrets.Certificates[1].Expires = p.Now.AddDate(1, 0, 0)
	if events := status.Evaluate(p).Events; len(events) != 1 || events[0].Reason != "Resolved" {
		t.Errorf("renewed: %+v", events)
	}
}

// TestOwnCertificatesAreRenewedInTime: the operator looks when they are due, which is before anybody is warned.
func TestOwnCertificatesAreRenewedInTime(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	p := wellPass(certificates(365 * day))
	p.Secrets.Certificates[1].Renews = p.Now.Add(243 * day)
	verdict := status.Evaluate(p)
	for range 200 {
		if verdict.RecheckAfter <= 0 || p.Now.Add(verdict.RecheckAfter).After(p.Secrets.Certificates[1].Renews) {
			t.Fatalf("it looks again after %s, want not after %s", verdict.RecheckAfter, p.Secrets.Certificates[1].Renews.Sub(p.Now))
		}
		if p.Now = p.Now.Add(verdict.RecheckAfter); !p.Now.Before(p.Secrets.Certificates[1].Renews) {
			return
		}
		p.Service.Status = verdict.Status
		if verdict = status.Evaluate(p); len(verdict.Events) > 0 {
			t.Fatalf("somebody is warned: %+v", verdict.Events)
		}
	}
	t.Error("it never looks just then")
}
