package controller_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

func TestAStepThatFailsIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := w.startOperator()
	o.requests.broken.Store(new("/deployments/papers-server"))
	rag := w.service()
	w.must(w.Create(t.Context(), rag))
	w.eventuallyShows(rag, map[string]string{
		"Ready": "False/ReconcileFailed", "Reconciling": "True/ReconcileFailed", "SecretsResolved": "True/Resolved",
	})
	if *rag.Status.ObservedGeneration == rag.Generation {
		t.Error("the status claims a generation that was not brought about")
	}
	w.runStores(rag) // the other parts were made all the same
	w.eventuallyShows(rag, map[string]string{"RedisReady": "True/Available", "OpenSearchReady": "True/Available"})

	o.requests.broken.Store(nil)
	w.awaits(rag, desired.ComponentServer, &appsv1.Deployment{})
	w.eventuallyShows(rag, map[string]string{"Ready": "False/Progressing", "Reconciling": "True/Progressing"})
}

func TestAPodThatCannotStartIsToldUntilItRecovers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startOperator()
	rag := w.service()
	pod := w.ready(rag)[0].pod
	well := *pod.Status.DeepCopy()

	w.setStatus(pod, func() {
		pod.Status.Conditions[0].Status = corev1.ConditionFalse
		pod.Status.ContainerStatuses[0] = corev1.ContainerStatus{
			Name: desired.ServerContainer, Image: "i", ImageID: "i",
			State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull"}},
		}
	})
	w.eventuallyShows(rag, map[string]string{"ServerReady": "False/PodFailing", "Ready": "True/Ready"})
	want := []v1alpha1.Diagnostic{{
		Pod: pod.Name, Container: "server", Reason: "ImagePullBackOff",
		Next: "kubectl -n " + w.namespace + " describe pod " + pod.Name + "; check spec.server.image",
	}}
	if diff := cmp.Diff(want, rag.Status.Diagnostics); diff != "" {
		t.Errorf("diagnostics (-want +got):\n%s", diff)
	}
	w.eventuallyTells("PodFailing")

	w.setStatus(pod, func() { pod.Status = well })
	w.eventuallyShows(rag, map[string]string{"ServerReady": "True/Available", "Ready": "True/Ready"})
	if len(rag.Status.Diagnostics) > 0 {
		t.Errorf("diagnostics after recovery: %v", rag.Status.Diagnostics)
	}
}

// TestAVolumeThatCannotBeMountedIsTold also shows that the operator's role lets it read the event.
func TestAVolumeThatCannotBeMountedIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startOperator()
	rag := w.service()
	pod := w.ready(rag)[0].pod
	well := *pod.Status.DeepCopy()
	w.must(w.Create(t.Context(), &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Namespace: w.namespace, GenerateName: "e-"},
		InvolvedObject: corev1.ObjectReference{Kind: "Pod", Namespace: w.namespace, Name: pod.Name, UID: pod.UID},
		Reason:         "FailedMount", Message: `MountVolume.SetUp failed for volume "keys" : secret "papers-api-keys" not found`,
		LastTimestamp: metav1.Now(),
	}))
	w.setStatus(pod, func() {
		pod.Status.Phase = corev1.PodPending
		pod.Status.Conditions = []corev1.PodCondition{
			{Type: corev1.PodReady, Status: corev1.ConditionFalse, Reason: "ContainersNotReady"},
			{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: metav1.NewTime(time.Now().Add(-time.Minute))},
		}
		pod.Status.ContainerStatuses[0] = corev1.ContainerStatus{
			Name: desired.ServerContainer, Image: "i",
			State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}},
		}
	})
	w.eventuallyShows(rag, map[string]string{"ServerReady": "False/MountFailed"})
	for _, c := range rag.Status.Conditions {
		if c.Type == v1alpha1.ConditionServerReady && !strings.Contains(c.Message, `Secret "papers-api-keys" does not exist`) {
			t.Errorf("the message does not name the Secret: %s", c.Message)
		}
	}
	w.setStatus(pod, func() { pod.Status = well })
	w.eventuallyShows(rag, map[string]string{"ServerReady": "True/Available", "Ready": "True/Ready"})
}
