package status

import (
	"time"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

const day = 24 * time.Hour

// expiryWarnings are how long before its end a certificate is told of, in days, the last first.
var expiryWarnings = []int{1, 7, 30}

// judgeCertificates judges the bundle that expires first: it has expired, or does so soon. ok says that neither is so.
func (p Pass) judgeCertificates() (f finding, ok bool) {
	if len(p.Secrets.Certificates) == 0 {
		return finding{}, true
	}
	first := p.Secrets.Certificates[0]
	for _, c := range p.Secrets.Certificates[1:] {
		if c.Expires.Before(first.Expires) {
			first = c
		}
	}
	left := first.Expires.Sub(p.Now)
	if left <= 0 && first.Shown {
		return no(v1alpha1.ReasonCertificateExpired, "Secret %q: the certificate of entry %q has expired, so callers trust no connection to the Ingress (%s)",
			first.Secret, first.Key, first.Field), false
	}
	if left <= 0 {
		return no(v1alpha1.ReasonCertificateExpired, "Secret %q: every certificate of entry %q has expired, so no connection is trusted by it (%s)",
			first.Secret, first.Key, first.Field), false
	}
	for _, days := range expiryWarnings {
		if left <= time.Duration(days)*day {
			return yes(v1alpha1.ReasonCertificateExpires, "Secret %q: the last certificate of entry %q expires in less than %d days: renew it (%s)",
				first.Secret, first.Key, days, first.Field), false
		}
	}
	return finding{}, true
}

// certificateDeadline is when the next warning is due, or a certificate expires or is renewed; 0 for never.
func (p Pass) certificateDeadline() (next time.Duration) {
	if p.Secrets == nil {
		return 0
	}
	for _, c := range p.Secrets.Certificates {
		next = soonest(next, untilWarning(c, p.Now))
		if renews := c.Renews.Sub(p.Now); renews > 0 {
			next = soonest(next, renews)
		}
	}
	return next
}

func untilWarning(c desired.Certificates, now time.Time) (next time.Duration) {
	left := c.Expires.Sub(now)
	for _, before := range append([]int{0}, expiryWarnings...) {
		if due := left - time.Duration(before)*day; due > 0 {
			next = soonest(next, due)
		}
	}
	return next
}

// isHarmless tells reasons of SecretsResolved=False for which nothing waits: the servers run as they are.
func isHarmless(reason string) bool {
	return reason == v1alpha1.ReasonKeyRefused || reason == v1alpha1.ReasonCertificateExpired || reason == v1alpha1.ReasonCertificateUnusable
}
