//go:build e2e

package e2e

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// TestUnschedulable asks for more than any node has, and then for less.
func TestUnschedulable(t *testing.T) {
	rag := newService(newNamespace(t), "vast")
	one := int32(1)
	rag.Spec.Server.Replicas = &one
	rag.Spec.Server.Resources = &corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("4000")}}
	rag.Spec.DeletionPolicy = v1alpha1.DeletionPolicyDelete
	create(t, rag)
	c := awaitCondition(t, rag, tellTimeout, v1alpha1.ConditionServerReady, metav1.ConditionFalse, v1alpha1.ReasonUnschedulable)
	next := "kubectl describe pod -n " + rag.Namespace + " -l app.kubernetes.io/instance=vast,app.kubernetes.io/component=server"
	if !strings.Contains(c.Message, next) {
		t.Errorf("the message names no next place to look: %s", c.Message)
	}
	edit(t, rag, func(s *v1alpha1.RAGServiceSpec) { s.Server.Resources = nil })
	awaitReady(t, rag)
	if err := kube.Delete(t.Context(), rag); err != nil {
		t.Fatal(err)
	}
	// Under deletionPolicy Delete the volumes go too.
	eventually(t, startTimeout, "the volumes go", func() error {
		var claims corev1.PersistentVolumeClaimList
		if err := kube.List(t.Context(), &claims, client.InNamespace(rag.Namespace)); err != nil {
			return err
		}
		if len(claims.Items) == 0 {
			return nil
		}
		return gone(t.Context(), &claims.Items[0])
	})
}

// TestMissingSecret names a Secret that does not exist, then makes it.
func TestMissingSecret(t *testing.T) {
	namespace := newNamespace(t)
	rag := newService(namespace, "keyless")
	one := int32(1)
	rag.Spec.Server.Replicas = &one
	rag.Spec.Auth.APIKeysSecretRef = &v1alpha1.SecretReference{Name: "team-keys"}
	create(t, rag)
	c := awaitCondition(t, rag, tellTimeout, v1alpha1.ConditionSecretsResolved, metav1.ConditionFalse, v1alpha1.ReasonSecretNotFound)
	if !strings.Contains(c.Message, "team-keys") || !strings.Contains(c.Message, "spec.auth.apiKeysSecretRef") {
		t.Errorf("the message does not name the Secret and the field: %s", c.Message)
	}
	if err := gone(t.Context(), &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "keyless-server"}}); err != nil {
		t.Errorf("half-made: %v", err)
	}
	create(t, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "team-keys"},
		StringData: map[string]string{"alice": `{"key":"0123456789abcdef0123456789abcdef","role":"admin"}`},
	})
	awaitReady(t, rag)
}
