package apply_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/apply"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// withheld is the plan while the Secret of callers' keys is missing, which changes the hash of Secrets too.
func (w *world) withheld() desired.Plan {
	w.t.Helper()
	in := w.inputs()
	in.Secrets.Candidates = nil
	in.Secrets.Problems = []desired.SecretProblem{{Field: "spec.auth.apiKeysSecretRef", Secret: "callers", Reason: "SecretNotFound"}}
	in.Secrets.RollHashes[desired.ComponentServer] = "hash-without-the-missing-one"
	plan, err := desired.Build(in)
	if err != nil {
		w.t.Fatal(err)
	}
	return plan
}

// disturb has somebody change three objects of the server and delete a fourth.
func (w *world) disturb() {
	w.t.Helper()
	policy := get(w, "papers-server", &networkingv1.NetworkPolicy{})
	policy.Spec.Egress = []networkingv1.NetworkPolicyEgressRule{{}}
	w.update(policy)
	service := get(w, "papers-server", &corev1.Service{})
	service.Spec.Ports[0].Port = 81
	w.update(service)
	deployment := get(w, "papers-server", &appsv1.Deployment{})
	deployment.Spec.Template.Spec.Containers[0].Image = "example.com/somebodys"
	w.update(deployment)
	budget := get(w, "papers-server", &policyv1.PodDisruptionBudget{})
	if err := w.user.Delete(w.t.Context(), budget); err != nil {
		w.t.Fatal(err)
	}
	w.eventually("the cache to follow", func() bool {
		return apierrors.IsNotFound(w.manager.Get(w.t.Context(), client.ObjectKeyFromObject(budget), budget))
	})
}

func server(kind string) apply.Ref {
	return apply.Ref{Component: desired.ComponentServer, Kind: kind, Name: "papers-server"}
}

// What runs goes on while a Secret is missing, as it was written last.
func TestWithheldComponentsAreRepaired(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settled()
	w.disturb()
	want := apply.ChangeSet{
		Created: []apply.Ref{server("PodDisruptionBudget")},
		Drifted: []apply.Ref{server("NetworkPolicy"), server("Service"), server("Deployment")},
	}
	if diff := cmp.Diff(want, w.apply(w.withheld())); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	template := get(w, "papers-server", &appsv1.Deployment{}).Spec.Template
	if image := template.Spec.Containers[0].Image; image != string(w.rag.Spec.Server.Image) {
		t.Errorf("the server runs %s", image)
	}
	if hash := template.Annotations[desired.AnnotationSecretsHash]; hash != "hash-of-the-servers-secrets" {
		t.Errorf("the hash of Secrets is %s: pods without the Secret would take the place of those that have it", hash)
	}
}

// What the spec makes different waits for the Secret, and what is gone of it too.
func TestWithheldComponentsDoNotChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settled()
	w.disturb()
	w.rag.Spec.Server.Env = []v1alpha1.EnvVar{{Name: "A", Value: "b"}}
	want := apply.ChangeSet{Drifted: []apply.Ref{server("NetworkPolicy"), server("Service")}}
	if diff := cmp.Diff(want, w.apply(w.withheld())); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

// A server that was never there, or was deleted, is made when the Secret is there.
func TestWithheldComponentsAreNotMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range w.apply(w.withheld()).Created {
		if c.Component == desired.ComponentServer {
			t.Errorf("%s was made", c.Kind)
		}
	}
}
