package status_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/status"
)

// An invalid entry is told by its name and by what it should be: a caller's key, or certificates.
func TestWhatAnInvalidEntryShouldBe(t *testing.T) {
	t.Parallel()
	const keys, authority = "spec.auth.apiKeysSecretRef", "spec.models.llm.caSecretRef"
	for _, c := range []struct {
		field, reason, detail string
		says                  []string
	}{
		{keys, v1alpha1.ReasonSecretInvalid, "role must be admin or client", []string{"no entry", "role must be"}},
		{keys, v1alpha1.ReasonKeyRefused, "role must be admin or client", []string{"leave out", "role must be", "correct or remove"}},
		{authority, v1alpha1.ReasonSecretInvalid, "", []string{"PEM"}},
	} {
		got := status.Evaluate(wellPass(secretProblem(desired.SecretProblem{
			Field: c.field, Secret: "callers", Key: "alice", Reason: c.reason, Detail: c.detail,
		}))).Status
		message := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionSecretsResolved).Message
		for _, part := range append(c.says, c.field, `"callers"`, `"alice"`) {
			if !strings.Contains(message, part) {
				t.Errorf("%s: %q does not say %s", c.reason, message, part)
			}
		}
	}
}
