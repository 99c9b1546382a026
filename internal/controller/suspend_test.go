package controller_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// writesToChildren are the writes after the first n requests but for those of the RAGService's own status.
func (l *requestLog) writesToChildren(n int) []string {
	return slices.DeleteFunc(l.writesSince(n), func(request string) bool {
		return strings.HasPrefix(request, http.MethodPatch) && strings.HasSuffix(request, "/ragservices/papers/status")
	})
}

// TestASuspendedServiceIsNotWritten breaks everything that a pass would mend: an object is changed, one deleted, a generated Secret
// deleted, and the spec asks for other pods and for volumes that go with the service.
func TestASuspendedServiceIsNotWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.startOperator()
	rag := w.service()
	w.ready(rag)
	claim := w.claimOfState(rag)

	w.edit(rag, func(s *v1alpha1.RAGServiceSpec) { s.Suspend = new(true) })
	w.eventuallyShows(rag, map[string]string{"Ready": "True/Suspended", "Reconciling": "", "Stalled": ""})
	w.eventuallyTells("Suspended")
	before := o.requests.count()

	settings := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "papers-server"}}
	w.must(w.Patch(t.Context(), settings, client.RawPatch(client.Merge.Type(), []byte(`{"data":{"config.yaml":"{}"}}`))))
	keys := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "papers-api-keys"}}
	w.must(w.Delete(t.Context(), keys))
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "papers-server"}}
	w.must(w.Delete(t.Context(), deployment))
	w.edit(rag, func(s *v1alpha1.RAGServiceSpec) {
		s.OpenSearch.Managed = &v1alpha1.ManagedOpenSearch{Image: "opensearch:other"}
		s.DeletionPolicy = v1alpha1.DeletionPolicyDelete
	})
	w.eventuallyShows(rag, map[string]string{"Ready": "False/Suspended", "ServerReady": "False/Suspended", "Reconciling": "", "Stalled": ""})
	w.eventually(func() string {
		w.must(w.Get(t.Context(), client.ObjectKeyFromObject(rag), rag))
		if *rag.Status.ObservedGeneration != rag.Generation {
			return "the edited spec was not looked at"
		}
		return ""
	})
	o.pass(t, rag)
	if writes := o.requests.writesToChildren(before); len(writes) > 0 {
		t.Errorf("a suspended service was written to: %v", writes)
	}

	w.edit(rag, func(s *v1alpha1.RAGServiceSpec) { s.Suspend = new(false) })
	w.awaits(rag, desired.ComponentServer, &appsv1.Deployment{})
	w.eventually(func() string {
		w.must(w.Get(t.Context(), client.ObjectKeyFromObject(settings), settings))
		w.must(w.Get(t.Context(), client.ObjectKeyFromObject(claim), claim))
		err := w.Get(t.Context(), client.ObjectKeyFromObject(keys), keys)
		switch {
		case settings.Data["config.yaml"] == "{}":
			return "the configuration is as somebody has set it"
		case err != nil:
			return err.Error()
		case len(claim.OwnerReferences) == 0:
			return "the volume does not go with the service"
		}
		return ""
	})
}

// claimOfState makes the volume claim that the controller of StatefulSets would make.
func (w *world) claimOfState(rag *v1alpha1.RAGService) *corev1.PersistentVolumeClaim {
	w.t.Helper()
	var set appsv1.StatefulSet
	w.awaits(rag, desired.ComponentRedisState, &set)
	template := set.Spec.VolumeClaimTemplates[0]
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: w.namespace, Name: desired.ClaimName(rag.Name, desired.ComponentRedisState),
			Labels: set.Spec.Selector.MatchLabels, Annotations: template.Annotations,
		},
		Spec: template.Spec,
	}
	maps.Copy(claim.Labels, template.Labels)
	w.must(w.Create(w.t.Context(), claim))
	return claim
}

func TestASuspendedServiceMakesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.startOperator()
	rag := w.service(func(s *v1alpha1.RAGServiceSpec) { s.Suspend = new(true) })
	w.must(w.Create(t.Context(), rag))
	w.eventuallyShows(rag, map[string]string{"Ready": "False/Suspended", "ConfigApplied": "False/Suspended", "SecretsResolved": "True/Resolved", "Reconciling": "", "Stalled": ""})
	if *rag.Status.ObservedGeneration != rag.Generation {
		t.Errorf("observedGeneration %d, want %d", *rag.Status.ObservedGeneration, rag.Generation)
	}
	if writes := o.requests.writesToChildren(0); len(writes) > 0 {
		t.Errorf("writes %v", writes)
	}

	w.must(w.Delete(t.Context(), rag))
	w.eventually(func() string {
		if err := w.Get(t.Context(), client.ObjectKeyFromObject(rag), rag); !apierrors.IsNotFound(err) {
			return "it is still there"
		}
		return ""
	})
}

// Secrets are judged while a service is suspended: one that comes, and one that goes.
func TestSecretsOfASuspendedServiceAreJudged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startOperator()
	rag := w.service(func(s *v1alpha1.RAGServiceSpec) {
		s.Auth.APIKeysSecretRef = &v1alpha1.SecretReference{Name: "callers"}
	})
	w.must(w.Create(t.Context(), rag))
	w.eventuallyShows(rag, map[string]string{"SecretsResolved": "False/SecretNotFound"})
	w.edit(rag, func(s *v1alpha1.RAGServiceSpec) { s.Suspend = new(true) })
	w.eventuallyShows(rag, map[string]string{"Ready": "False/Suspended", "SecretsResolved": "False/SecretNotFound"})

	callers := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "callers"},
		StringData: map[string]string{"alice": `{"key":"key-of-a-caller-0123456789"}`},
	}
	w.must(w.Create(t.Context(), callers))
	w.eventuallyShows(rag, map[string]string{"SecretsResolved": "True/Resolved"})
	if c := meta.FindStatusCondition(rag.Status.Conditions, "SecretsResolved"); c.ObservedGeneration != rag.Generation {
		t.Errorf("it was judged of generation %d, want %d", c.ObservedGeneration, rag.Generation)
	}
	w.must(w.Delete(t.Context(), callers))
	w.eventuallyShows(rag, map[string]string{"SecretsResolved": "False/SecretNotFound", "Reconciling": "", "Stalled": ""})
}
