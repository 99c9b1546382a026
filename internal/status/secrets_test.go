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
		{keys, v1alpha1.ReasonSecretKeyNotFound, "", []string{"has no entry"}},
		{desired.FieldOfGenerated, v1alpha1.ReasonSecretKeyNotFound, "", []string{"has no entry", "delete the Secret"}},
	} {
		got := status.Evaluate(wellPass(secretProblem(desired.SecretProblem{
			Field: c.field, Secret: "callers", Key: "alice", Reason: c.reason, Detail: c.detail,
		}))).Status
		message := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionSecretsResolved).Message
		if named := strings.Contains(message, c.field); named != (c.field != desired.FieldOfGenerated) { // nobody can correct that field
			t.Errorf("%s: %q names %s: %t", c.reason, message, c.field, named)
		}
		for _, part := range append(c.says, `"callers"`, `"alice"`) {
			if !strings.Contains(message, part) {
				t.Errorf("%s: %q does not say %s", c.reason, message, part)
			}
		}
	}
}
