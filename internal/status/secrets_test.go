package status_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/status"
)

// An invalid entry is told by what it should be: a caller's key, or certificates.
func TestWhatAnInvalidEntryShouldBe(t *testing.T) {
	t.Parallel()
	for field, word := range map[string]string{"spec.auth.apiKeysSecretRef": "JSON", "spec.models.llm.caSecretRef": "PEM"} {
		got := status.Evaluate(wellPass(secretProblem(desired.SecretProblem{
			Field: field, Secret: "s", Key: "k", Reason: v1alpha1.ReasonSecretInvalid,
		}))).Status
		message := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionSecretsResolved).Message
		if !strings.Contains(message, word) || !strings.Contains(message, field) {
			t.Errorf("%s: %q does not name %s", field, message, word)
		}
	}
}
