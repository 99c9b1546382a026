package apply_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/internal/apply"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

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
