package secrets

import (
	"context"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// receiversSecrets looks for the entries that spec.alerts.receivers names. Nothing of the service waits for them.
func (s *resolver) receiversSecrets(ctx context.Context) error {
	for _, named := range desired.ReceiverSecrets(s.rag) {
		found, err := s.referenced(ctx, named.Ref.Name)
		if err != nil {
			return err
		}
		missing := desired.SecretProblem{Field: named.Field, Secret: named.Ref.Name, Key: named.Ref.Key, Reason: v1alpha1.ReasonSecretKeyNotFound}
		if found == nil {
			missing.Reason = v1alpha1.ReasonSecretNotFound
		}
		if value, ok := found[named.Ref.Key]; !ok || value.empty {
			s.facts.ReceiverProblems = append(s.facts.ReceiverProblems, missing)
		}
	}
	return nil
}
