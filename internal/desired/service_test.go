package desired_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/internal/desired/desiredtest"
)

// A cluster of two address families gives every Service both; one of a single family takes the policy too.
func TestServicesHaveBothFamiliesOfAddresses(t *testing.T) {
	t.Parallel()
	services := 0
	for _, o := range build(t, desiredtest.Inputs(desiredtest.Smallest())).Objects() {
		if decode[metav1.TypeMeta](t, o.Config).Kind != "Service" {
			continue
		}
		services++
		policy := decode[corev1.Service](t, o.Config).Spec.IPFamilyPolicy
		if policy == nil || *policy != corev1.IPFamilyPolicyPreferDualStack {
			t.Errorf("%s has the policy %v", o.Key.Name, policy)
		}
	}
	if services != 6 {
		t.Errorf("%d Services, want 6", services)
	}
}
