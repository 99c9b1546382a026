package crd_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// ready is a status as the operator writes it.
func ready() v1alpha1.RAGServiceStatus {
	return v1alpha1.RAGServiceStatus{
		ObservedGeneration: ptr.To[int64](1),
		Conditions: []metav1.Condition{{
			Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonReady,
			LastTransitionTime: metav1.Now(),
		}},
		Endpoint:      "http://papers-server.default.svc",
		Replicas:      ptr.To[int32](3),
		ReadyReplicas: ptr.To[int32](2),
		Selector:      "app.kubernetes.io/instance=papers",
		Cache:         &v1alpha1.CacheStatus{HitRatePercent: ptr.To[int32](45)},
	}
}

func withStatus(t *testing.T, c client.Client, name string, status v1alpha1.RAGServiceStatus) *v1alpha1.RAGService {
	t.Helper()
	create(t, c, name, extractive)
	var rag v1alpha1.RAGService
	if err := c.Get(context.Background(), client.ObjectKey{Namespace: metav1.NamespaceDefault, Name: name}, &rag); err != nil {
		t.Fatal(err)
	}
	rag.Status = status
	if err := c.Status().Update(context.Background(), &rag); err != nil {
		t.Fatal(err)
	}
	return &rag
}

// TestStatusBeforeTheFirstLook: an object that nobody has looked at must not pass for one that is done.
func TestStatusBeforeTheFirstLook(t *testing.T) {
	_, c := apiServer(t)
	created := create(t, c, "unseen", extractive)
	var read v1alpha1.RAGService
	if err := c.Get(context.Background(), client.ObjectKeyFromObject(created), &read); err != nil {
		t.Fatal(err)
	}
	want := v1alpha1.RAGServiceStatus{ObservedGeneration: ptr.To[int64](-1)}
	if diff := cmp.Diff(want, read.Status); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}

func TestScale(t *testing.T) {
	_, c := apiServer(t)
	rag := withStatus(t, c, "scale", ready())
	var scale autoscalingv1.Scale
	if err := c.SubResource("scale").Get(context.Background(), rag, &scale); err != nil {
		t.Fatal(err)
	}
	want := autoscalingv1.ScaleStatus{Replicas: 3, Selector: "app.kubernetes.io/instance=papers"}
	if diff := cmp.Diff(want, scale.Status); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
	if scale.Spec.Replicas != 2 {
		t.Errorf("spec.replicas is %d, want the default 2", scale.Spec.Replicas)
	}
	scale.Spec.Replicas = 5
	if err := c.SubResource("scale").Update(context.Background(), rag, client.WithSubResourceBody(&scale)); err != nil {
		t.Fatal(err)
	}
	if err := c.Get(context.Background(), client.ObjectKeyFromObject(rag), rag); err != nil {
		t.Fatal(err)
	}
	if got := ptr.Deref(rag.Spec.Server.Replicas, 0); got != 5 {
		t.Errorf("spec.server.replicas is %d, want 5", got)
	}
}
