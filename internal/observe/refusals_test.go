package observe

import (
	"strings"
	"testing"

	"github.com/ragservice/ragservice-operator/internal/status"
)

// TestRefusal reads answers as API servers of 1.3x give them. Names of pods and what is used at the moment must not get out:
// they would change the message each time.
func TestRefusal(t *testing.T) {
	t.Parallel()
	const pods = `pods "papers-server-7d9f-x2k4q" is forbidden: `
	for text, want := range map[string]status.Refusal{
		pods + `exceeded quota: q, requested: limits.cpu=500m, used: limits.cpu=1900m, limited: limits.cpu=2`: {
			Reason: "QuotaExceeded", Detail: "quota q, requested limits.cpu=500m",
		},
		pods + `exceeded quota: q, requested: limits.cpu=500m,pods=1, used: limits.cpu=2,pods=9, limited: limits.cpu=2,pods=9`: {
			Reason: "QuotaExceeded", Detail: "quota q, requested limits.cpu=500m,pods=1",
		},
		pods + `failed quota: q: must specify limits.cpu for: server`: {Reason: "QuotaExceeded", Detail: "quota q asks for limits.cpu"},
		pods + `violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false`: {
			Reason: "PodSecurityViolation", Detail: "Pod Security level restricted:latest",
		},
		pods + `maximum memory usage per Container is 256Mi, but limit is 512Mi`: {
			Reason: "LimitRangeViolation", Detail: "LimitRange: maximum memory usage per Container is 256Mi",
		},
		`admission webhook "validate.kyverno.svc-fail" denied the request: token hunter2 is not allowed`: {
			Reason: "AdmissionDenied", Detail: "admission webhook validate.kyverno.svc-fail",
		},
		`Internal error occurred: failed calling webhook "mutate.istio.io": Post "https://istiod": no endpoints`: {
			Reason: "AdmissionDenied", Detail: "admission webhook that does not answer: mutate.istio.io",
		},
		pods + `ValidatingAdmissionPolicy 'no-latest' with binding 'all' denied request: hunter2`: {
			Reason: "AdmissionDenied", Detail: "ValidatingAdmissionPolicy no-latest",
		},
		pods + `error looking up service account library/papers-server: serviceaccount "papers-server" not found`: {
			Reason: "PodsRefused", Detail: "missing ServiceAccount papers-server",
		},
		pods + `hunter2`: {Reason: "PodsRefused"},
	} {
		got := refusal(text)
		if got != want {
			t.Errorf("%s\nis %+v, want %+v", text, got, want)
		}
		if strings.Contains(got.Detail, "hunter2") || strings.Contains(got.Detail, "x2k4q") {
			t.Errorf("%q holds what it must not", got.Detail)
		}
	}
}
