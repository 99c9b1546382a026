package controller_test

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

func TestASettingReachesRunningServers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startOperator()
	rag := w.service()
	servers := w.ready(rag)
	before := rag.Status.ConfigHash
	var template appsv1.Deployment
	w.awaits(rag, desired.ComponentServer, &template)

	w.edit(rag, func(s *v1alpha1.RAGServiceSpec) { s.Cache.TTL.LLM = "20m" })
	w.eventuallyShows(rag, map[string]string{"ConfigApplied": "False/Propagating", "Ready": "True/Ready"})
	if rag.Status.ConfigHash == before {
		t.Error("the configuration has the hash of before")
	}
	for _, s := range servers {
		s.runs(rag.Status.ConfigHash)
	}
	w.eventuallyShows(rag, map[string]string{"ConfigApplied": "True/Applied", "Ready": "True/Ready", "Reconciling": ""})
	w.eventuallyTells("Applied")

	var after appsv1.Deployment
	w.awaits(rag, desired.ComponentServer, &after)
	if after.Generation != template.Generation {
		t.Error("the Deployment was changed: a setting must not roll pods")
	}
}

func TestDriftIsRepairedAndTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startOperator()
	rag := w.service()
	w.ready(rag)

	settings := &corev1.ConfigMap{}
	key := client.ObjectKey{Namespace: w.namespace, Name: "papers-server"}
	w.must(w.Get(t.Context(), key, settings))
	want, before := settings.Data, settings.DeepCopy()
	settings.Data = map[string]string{"config.yaml": "cache: {enabled: false}", "note": "mine"}
	settings.Annotations["example.com/owner"] = "somebody"
	w.must(w.Patch(t.Context(), settings, client.MergeFrom(before)))

	w.eventually(func() string {
		w.must(w.Get(t.Context(), key, settings))
		if settings.Data["config.yaml"] != want["config.yaml"] {
			return "the configuration is as somebody has set it"
		}
		return ""
	})
	if settings.Annotations["example.com/owner"] != "somebody" || settings.Data["note"] != "mine" {
		t.Error("what is not the operator's did not survive")
	}
	if note := w.eventuallyTells("DriftRepaired"); !strings.Contains(note, "ConfigMap papers-server") {
		t.Errorf("the event says %q", note)
	}

	w.eventuallyShows(rag, map[string]string{"Ready": "True/Ready", "Reconciling": ""})

	w.must(w.Delete(t.Context(), settings))
	w.eventually(func() string {
		if err := w.Get(t.Context(), key, settings); err != nil {
			return err.Error()
		}
		return ""
	})
	if note := w.eventuallyTells("Recreated"); !strings.Contains(note, "ConfigMap papers-server") {
		t.Errorf("the event says %q", note)
	}
	w.eventuallyShows(rag, map[string]string{"Ready": "True/Ready", "Reconciling": ""})
}

func TestAMissingSecretHoldsTheServerBackUntilItAppears(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startOperator()
	rag := w.service(func(s *v1alpha1.RAGServiceSpec) {
		s.Models.LLM = v1alpha1.LLMSpec{
			Provider: v1alpha1.LLMProviderOpenAI, BaseURL: "https://llm.example.com/v1", Model: "m",
			APIKeySecretRef: &v1alpha1.SecretKeyReference{Name: "model-access", Key: "token"},
		}
	})
	w.must(w.Create(t.Context(), rag))
	w.eventuallyShows(rag, map[string]string{
		"SecretsResolved": "False/SecretNotFound", "Ready": "False/SecretNotFound", "Reconciling": "True/SecretNotFound",
	})
	for _, c := range rag.Status.Conditions {
		if c.Type == v1alpha1.ConditionSecretsResolved && (!strings.Contains(c.Message, "model-access") || !strings.Contains(c.Message, "token")) {
			t.Errorf("the message does not name both: %s", c.Message)
		}
	}
	for _, child := range w.children(rag) {
		if strings.HasSuffix(child, " papers-server") {
			t.Errorf("half of the server was made: %s", child)
		}
	}

	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "model-access"},
		StringData: map[string]string{"other": "x"},
	}
	w.must(w.Create(t.Context(), secret))
	w.eventuallyShows(rag, map[string]string{"SecretsResolved": "False/SecretKeyNotFound"})

	secret.StringData = map[string]string{"token": "sk-1234567890"}
	w.must(w.Update(t.Context(), secret))
	w.eventuallyShows(rag, map[string]string{"SecretsResolved": "True/Resolved", "Reconciling": "True/Progressing"})
	w.awaits(rag, desired.ComponentServer, &appsv1.Deployment{})
}
