//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// removed deletes the service: all it owns goes, the volumes stay under Retain.
func removed(t *testing.T, rag *v1alpha1.RAGService) {
	if err := kube.Delete(t.Context(), rag); err != nil {
		t.Fatal(err)
	}
	eventually(t, 90*time.Second, "owned objects go", func() error {
		left, err := madeFor(t.Context(), rag)
		if len(left) > 0 {
			return fmt.Errorf("there are still %s", strings.Join(left, ", "))
		}
		return err
	})
	var claims corev1.PersistentVolumeClaimList
	if err := kube.List(t.Context(), &claims, client.InNamespace(rag.Namespace)); err != nil {
		t.Fatal(err)
	}
	if len(claims.Items) != 2 {
		t.Errorf("%d volumes stay, want those of OpenSearch and Redis", len(claims.Items))
	}
	for _, c := range claims.Items {
		if c.DeletionTimestamp != nil {
			t.Errorf("the volume %s is being deleted", c.Name)
		}
	}
}

// madeFor are the objects with the service's label, but for its volumes and the keys of its callers, which stay.
func madeFor(ctx context.Context, rag *v1alpha1.RAGService) ([]string, error) {
	var left []string
	for _, gvk := range []schema.GroupVersionKind{
		appsv1.SchemeGroupVersion.WithKind("Deployment"), appsv1.SchemeGroupVersion.WithKind("ReplicaSet"),
		appsv1.SchemeGroupVersion.WithKind("StatefulSet"), policyv1.SchemeGroupVersion.WithKind("PodDisruptionBudget"),
		networkingv1.SchemeGroupVersion.WithKind("NetworkPolicy"), corev1.SchemeGroupVersion.WithKind("Pod"),
		corev1.SchemeGroupVersion.WithKind("Service"), corev1.SchemeGroupVersion.WithKind("ConfigMap"),
		corev1.SchemeGroupVersion.WithKind("ServiceAccount"), corev1.SchemeGroupVersion.WithKind("Secret"),
	} {
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(gvk.GroupVersion().WithKind(gvk.Kind + "List"))
		err := kube.List(ctx, list, client.InNamespace(rag.Namespace), client.MatchingLabels{"app.kubernetes.io/instance": rag.Name})
		if err != nil {
			return nil, err
		}
		for i := range list.Items {
			if name := list.Items[i].Name; name != rag.Name+"-api-keys" {
				left = append(left, gvk.Kind+" "+name)
			}
		}
	}
	return left, nil
}

// orphaned deletes the service alone and makes it again: nothing restarts but what has new labels or settings.
func orphaned(t *testing.T, rag *v1alpha1.RAGService) {
	user := apiKey(t, rag, "client")
	engine := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: rag.Namespace, Name: rag.Name + "-opensearch-0"}}
	if err := kube.Get(t.Context(), client.ObjectKeyFromObject(engine), engine); err != nil {
		t.Fatal(err)
	}
	before := engine.UID
	if err := kube.Delete(t.Context(), rag, client.PropagationPolicy(metav1.DeletePropagationOrphan)); err != nil {
		t.Fatal(err)
	}
	eventually(t, 30*time.Second, "the service goes", func() error { return gone(t.Context(), rag) })
	again(t, rag, user)
	if err := kube.Get(t.Context(), client.ObjectKeyFromObject(engine), engine); err != nil || engine.UID != before {
		t.Errorf("OpenSearch has another pod, or none: %v", err)
	}
}

func foundAgain(t *testing.T, rag *v1alpha1.RAGService) {
	again(t, rag, apiKey(t, rag, "client"))
}

// again makes the service anew, and finds its documents with the key from before.
func again(t *testing.T, rag *v1alpha1.RAGService, user string) {
	*rag = *newService(rag.Namespace, rag.Name)
	create(t, rag)
	awaitReady(t, rag)
	var found searchBody
	newServiceClient(t, rag).post(t, "/api/v1/search", user, http.StatusOK, map[string]any{"query": commonWord}).decode(t, &found)
	if found.Total == 0 {
		t.Error("the documents are gone")
	}
}
