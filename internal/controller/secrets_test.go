package controller_test

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// callers is a Secret of callers' keys and a service that names it.
func (w *world) callers(entries map[string]string) (*corev1.Secret, *v1alpha1.RAGService) {
	w.t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "callers"}, StringData: entries}
	w.must(w.Create(w.t.Context(), secret))
	return secret, w.service(func(s *v1alpha1.RAGServiceSpec) {
		s.Auth.APIKeysSecretRef = &v1alpha1.SecretReference{Name: secret.Name}
	})
}

const aliceKey = `{"key":"key-of-alice-0123456789abcdef"}`

func TestABadKeyHoldsNothingUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startOperator()
	secret, rag := w.callers(map[string]string{"alice": aliceKey, "bob": `{"key":"canary"}`})
	w.ready(rag)
	w.eventuallyShows(rag, map[string]string{"SecretsResolved": "False/KeyRefused", "Ready": "True/Ready", "Stalled": "", "Reconciling": ""})
	for _, message := range []string{
		meta.FindStatusCondition(rag.Status.Conditions, v1alpha1.ConditionSecretsResolved).Message, w.eventuallyTells("KeyRefused"),
	} {
		if !strings.Contains(message, `"callers"`) || !strings.Contains(message, `"bob"`) || strings.Contains(message, "canary") {
			t.Errorf("%q does not name the entry, or holds its value", message)
		}
	}
	var before, after appsv1.Deployment
	w.awaits(rag, desired.ComponentServer, &before)
	secret.StringData = map[string]string{"bob": `{"key":"key-of-bob-0123456789abcdef"}`}
	w.must(w.Update(t.Context(), secret))
	w.eventuallyShows(rag, map[string]string{"SecretsResolved": "True/Resolved", "Ready": "True/Ready", "Reconciling": ""})
	if w.awaits(rag, desired.ComponentServer, &after); after.Generation != before.Generation {
		t.Error("the Deployment was changed: a caller's key must not roll pods")
	}
}

// Without its Secret the service goes on as it was: running servers have the keys.
func TestASecretThatIsDeletedLeavesServersAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startOperator()
	secret, rag := w.callers(map[string]string{"alice": aliceKey})
	w.ready(rag)
	var before, after appsv1.Deployment
	w.awaits(rag, desired.ComponentServer, &before)
	w.must(w.Delete(t.Context(), secret))
	w.eventuallyShows(rag, map[string]string{"SecretsResolved": "False/SecretNotFound", "ServerReady": "True/Available", "ConfigApplied": "True/Applied"})
	if w.awaits(rag, desired.ComponentServer, &after); after.Generation != before.Generation {
		t.Error("the Deployment was changed")
	}
	var policy networkingv1.NetworkPolicy
	key := client.ObjectKey{Namespace: w.namespace, Name: "papers-server"}
	w.must(w.Get(t.Context(), key, &policy))
	want := len(policy.Spec.Egress)
	policy.Spec.Egress = nil
	w.must(w.Update(t.Context(), &policy))
	w.eventually(func() string {
		if w.must(w.Get(t.Context(), key, &policy)); len(policy.Spec.Egress) != want {
			return "the policy is as somebody has set it"
		}
		return ""
	})
	secret = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "callers"}, StringData: map[string]string{"alice": aliceKey}}
	w.must(w.Create(t.Context(), secret))
	w.eventuallyShows(rag, map[string]string{"SecretsResolved": "True/Resolved", "Ready": "True/Ready", "Reconciling": ""})
}
