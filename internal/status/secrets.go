package status

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// judgeSecrets judges SecretsResolved. The first problem in the order of the spec speaks, one that withholds the server before
// expired certificates, these before one that does not, and that before certificates that expire soon; a second problem is only counted,
// so that both names of the first always fit.
func judgeSecrets(p Pass) finding {
	if p.Secrets == nil {
		return keep(p.previous(v1alpha1.ConditionSecretsResolved))
	}
	withholding := slices.IndexFunc(p.Secrets.Problems, desired.SecretProblem.Withholds)
	certificates, valid := p.judgeCertificates()
	switch {
	case withholding < 0 && !valid && (certificates.status == metav1.ConditionFalse || len(p.Secrets.Problems) == 0):
		return certificates
	case len(p.Secrets.Problems) == 0 && p.Secrets.AwaitedCertificate != "":
		return yes(v1alpha1.ReasonCertificateAwaited, "cert-manager has yet to make Secret %q of spec.server.ingress.tls: kubectl describe certificate -n %s",
			p.Secrets.AwaitedCertificate, p.Service.Namespace)
	case len(p.Secrets.Problems) == 0:
		return yes(v1alpha1.ReasonResolved, "every Secret that the spec names was found")
	}
	first := p.Secrets.Problems[max(0, withholding)]
	message := describeProblem(first)
	if more := len(p.Secrets.Problems) - 1; more > 0 {
		return no(first.Reason, "%s (and %d more)", message, more)
	}
	return no(first.Reason, "%s", message)
}

func describeProblem(problem desired.SecretProblem) string {
	switch {
	case problem.Reason == v1alpha1.ReasonSecretNotFound && problem.Key == "":
		return sentence("Secret %q does not exist in this namespace (%s)", problem.Secret, problem.Field)
	case problem.Reason == v1alpha1.ReasonSecretNotFound:
		return sentence("Secret %q with entry %q does not exist in this namespace (%s)", problem.Secret, problem.Key, problem.Field)
	case problem.Reason == v1alpha1.ReasonNameConflict:
		return sentence("Secret %q exists but is not this RAGService's: delete or rename it", problem.Secret)
	case problem.Reason == v1alpha1.ReasonCertificateUnusable:
		return sentence("Secret %q: %s, so callers cannot trust connections to the Ingress (%s)", problem.Secret, problem.Detail, problem.Field)
	case problem.Key == "":
		return sentence("Secret %q has no entry (%s)", problem.Secret, problem.Field)
	case problem.Reason == v1alpha1.ReasonSecretKeyNotFound && problem.Field == desired.FieldOfGenerated:
		return sentence("Secret %q has no entry %q, or it is empty: delete the Secret, and the operator generates another", problem.Secret, problem.Key)
	case problem.Reason == v1alpha1.ReasonSecretKeyNotFound:
		return sentence("Secret %q has no entry %q, or it is empty (%s)", problem.Secret, problem.Key, problem.Field)
	case strings.HasSuffix(problem.Field, ".caSecretRef"):
		return sentence("Secret %q: entry %q holds no certificate in PEM (%s)", problem.Secret, problem.Key, problem.Field)
	case problem.Reason == v1alpha1.ReasonKeyRefused:
		return sentence("Secret %q: the servers leave out entry %q: %s; correct or remove it (%s)",
			problem.Secret, problem.Key, problem.Detail, problem.Field)
	default:
		return sentence("Secret %q: no entry is a key; %q: %s (%s)", problem.Secret, problem.Key, problem.Detail, problem.Field)
	}
}
