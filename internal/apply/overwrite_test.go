package apply_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/internal/apply"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// A rule that somebody adds to a policy opens what shall be closed.
func TestAForeignRuleOfANetworkPolicyGoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plan := w.settled()
	for _, o := range plan.Objects() {
		if o.GVK.Kind != "NetworkPolicy" {
			continue
		}
		c := o.Component
		policy := get(w, desired.Name("papers", c), &networkingv1.NetworkPolicy{})
		policy.Spec.Egress = append(policy.Spec.Egress, networkingv1.NetworkPolicyEgressRule{})
		policy.Spec.Ingress = append(policy.Spec.Ingress, networkingv1.NetworkPolicyIngressRule{})
		w.update(policy)
		ref := apply.Ref{Component: c, Kind: "NetworkPolicy", Name: policy.Name}
		if diff := cmp.Diff(apply.ChangeSet{Drifted: []apply.Ref{ref}}, w.apply(plan)); diff != "" {
			t.Errorf("%s: changes (-want +got):\n%s", c, diff)
		}
		spec := get(w, policy.Name, policy).Spec
		if slices.ContainsFunc(spec.Egress, func(r networkingv1.NetworkPolicyEgressRule) bool { return len(r.To)+len(r.Ports) == 0 }) ||
			slices.ContainsFunc(spec.Ingress, func(r networkingv1.NetworkPolicyIngressRule) bool { return len(r.From)+len(r.Ports) == 0 }) {
			t.Errorf("%s: the policy is still open: %+v", c, spec)
		}
		w.cached(policy)
	}
}

// What somebody changed so that it takes no apply any more becomes what it shall be, and the fields are those of the apply: a patch
// that owned them would keep them when they are no longer rendered.
func TestObjectThatTakesNoApply(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		kind   string
		change func(*world) client.Object
		check  func(*testing.T, *world)
	}{
		"a budget of another form": {
			"PodDisruptionBudget",
			func(w *world) client.Object {
				budget := get(w, "papers-server", &policyv1.PodDisruptionBudget{})
				budget.Spec.MaxUnavailable, budget.Spec.MinAvailable = nil, new(intstr.FromInt32(1))
				return budget
			},
			func(t *testing.T, w *world) {
				t.Helper()
				budget := get(w, "papers-server", &policyv1.PodDisruptionBudget{})
				if budget.Spec.MinAvailable != nil || budget.Spec.MaxUnavailable.IntValue() != 1 {
					t.Errorf("its spec is %+v", budget.Spec)
				}
			},
		},
		"a port of another number": {
			"Service",
			func(w *world) client.Object {
				service := get(w, "papers-server", &corev1.Service{})
				service.Spec.Ports[0].Port = 81
				return service
			},
			func(t *testing.T, w *world) {
				t.Helper()
				ports := get(w, "papers-server", &corev1.Service{}).Spec.Ports
				if len(ports) != 1 || ports[0].Port != 80 {
					t.Errorf("its ports are %+v", ports)
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			plan := w.settled()
			changed := test.change(w)
			w.update(changed)
			ref := apply.Ref{Component: desired.ComponentServer, Kind: test.kind, Name: "papers-server"}
			if diff := cmp.Diff(apply.ChangeSet{Drifted: []apply.Ref{ref}}, w.apply(plan)); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			test.check(t, w)
			for _, entry := range get(w, "papers-server", changed).GetManagedFields() {
				if entry.Manager == string(apply.FieldOwner) && entry.Operation != metav1.ManagedFieldsOperationApply {
					t.Errorf("an %s owns fields: %s", entry.Operation, entry.FieldsV1)
				}
			}
			w.settled()
		})
	}
}
