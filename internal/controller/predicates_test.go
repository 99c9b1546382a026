package controller

import (
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

func TestWhatOfARAGServiceBringsAPass(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*v1alpha1.RAGService)
		want   bool
	}{
		"its spec":             {func(r *v1alpha1.RAGService) { r.Generation++ }, true},
		"the user's wish":      {func(r *v1alpha1.RAGService) { r.Annotations = map[string]string{"ragservice.dev/requested-at": "now"} }, true},
		"its status":           {func(r *v1alpha1.RAGService) { r.ResourceVersion, r.Status.ConfigHash = "2", "aa" }, false},
		"an annotation":        {func(r *v1alpha1.RAGService) { r.Annotations = map[string]string{"example.com/note": "x"} }, false},
		"another of this name": {func(r *v1alpha1.RAGService) { r.UID = "another" }, true},
	} {
		before := &v1alpha1.RAGService{ObjectMeta: metav1.ObjectMeta{Name: "papers", UID: "u", Generation: 1, ResourceVersion: "1"}}
		after := before.DeepCopy()
		c.change(after)
		if got := specChanged().Update(event.UpdateEvent{ObjectOld: before, ObjectNew: after}); got != c.want {
			t.Errorf("%s: brings a pass %t, want %t", name, got, c.want)
		}
	}
}

func TestWhatOfAScheduleBringsAPass(t *testing.T) {
	t.Parallel()
	now := metav1.Unix(1, 0)
	for name, c := range map[string]struct {
		change func(*batchv1.CronJob)
		want   bool
	}{
		"nothing":            {func(*batchv1.CronJob) {}, false},
		"that it is due":     {func(j *batchv1.CronJob) { j.Status.LastScheduleTime = &now }, true},
		"that a Job runs":    {func(j *batchv1.CronJob) { j.Status.Active = make([]corev1.ObjectReference, 1) }, true},
		"that one succeeded": {func(j *batchv1.CronJob) { j.Status.LastSuccessfulTime = &now }, true},
		"its spec":           {func(j *batchv1.CronJob) { j.Generation++ }, true},
	} {
		before := &batchv1.CronJob{ObjectMeta: metav1.ObjectMeta{Name: "papers-snapshots", ResourceVersion: "1", Generation: 1}}
		after := before.DeepCopy()
		after.ResourceVersion = "2"
		c.change(after)
		if got := childChanged().Update(event.UpdateEvent{ObjectOld: before, ObjectNew: after}); got != c.want {
			t.Errorf("%s: brings a pass %t, want %t", name, got, c.want)
		}
	}
}

func TestWhatOfAnAutoscalerBringsAPass(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*autoscalingv2.HorizontalPodAutoscaler)
		want   bool
	}{
		"its spec":   {func(h *autoscalingv2.HorizontalPodAutoscaler) { h.Spec.MaxReplicas++ }, true},
		"its status": {func(h *autoscalingv2.HorizontalPodAutoscaler) { h.Status.CurrentReplicas++ }, false},
		"that it fails": {func(h *autoscalingv2.HorizontalPodAutoscaler) {
			h.Status.Conditions = []autoscalingv2.HorizontalPodAutoscalerCondition{{
				Type: autoscalingv2.ScalingActive, Status: corev1.ConditionFalse, Reason: "FailedGetContainerResourceMetric",
			}}
		}, true},
		"that it works": {func(h *autoscalingv2.HorizontalPodAutoscaler) {
			h.Status.Conditions = []autoscalingv2.HorizontalPodAutoscalerCondition{{
				Type: autoscalingv2.ScalingActive, Status: corev1.ConditionTrue, Reason: "ValidMetricFound",
			}}
		}, false},
		"its labels": {func(h *autoscalingv2.HorizontalPodAutoscaler) { h.Labels = nil }, true},
		"its removal": {func(h *autoscalingv2.HorizontalPodAutoscaler) {
			h.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
		}, true},
	} {
		before := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{
			Name: "papers-server", ResourceVersion: "1", Labels: map[string]string{"a": "b"},
		}}
		after := before.DeepCopy()
		after.ResourceVersion = "2"
		c.change(after)
		if got := childChanged().Update(event.UpdateEvent{ObjectOld: before, ObjectNew: after}); got != c.want {
			t.Errorf("%s: brings a pass %t, want %t", name, got, c.want)
		}
	}
}
