package controller_test

import (
	"strings"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// An autoscaler that cannot work is told, once it has had time to begin, until it works. The servers are as ready as before.
func TestAnAutoscalerThatCannotWorkIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startOperator()
	rag := w.service(func(s *v1alpha1.RAGServiceSpec) {
		s.Server.Autoscaling = &v1alpha1.AutoscalingSpec{MinReplicas: new(int32(2)), MaxReplicas: 4}
	})
	w.ready(rag)
	scaler := &autoscalingv2.HorizontalPodAutoscaler{}
	w.awaits(rag, desired.ComponentServer, scaler)
	says := func(kind autoscalingv2.HorizontalPodAutoscalerConditionType, s corev1.ConditionStatus, reason string, since time.Time) {
		w.setStatus(scaler, func() {
			scaler.Status.Conditions = []autoscalingv2.HorizontalPodAutoscalerCondition{
				{Type: kind, Status: s, Reason: reason, LastTransitionTime: metav1.NewTime(since)},
			}
		})
	}
	eventuallyQuotes := func(reason string) {
		w.eventually(func() string {
			w.eventuallyShows(rag, map[string]string{"ServerReady": "True/NotScaling", "Ready": "True/Ready", "Reconciling": "", "Stalled": ""})
			if c := meta.FindStatusCondition(rag.Status.Conditions, "ServerReady"); !strings.Contains(c.Message, reason) {
				return "the message is " + c.Message + ", want one of " + reason
			}
			return ""
		})
	}
	before := time.Now().Add(-time.Hour)
	says(autoscalingv2.ScalingActive, corev1.ConditionFalse, "FailedGetContainerResourceMetric", before)
	eventuallyQuotes("FailedGetContainerResourceMetric")
	w.eventuallyTells("NotScaling")
	says(autoscalingv2.AbleToScale, corev1.ConditionFalse, "FailedGetScale", before)
	eventuallyQuotes("FailedGetScale")
	says(autoscalingv2.ScalingActive, corev1.ConditionFalse, "FailedGetContainerResourceMetric", time.Now().Add(time.Hour)) // it has just begun
	w.eventuallyShows(rag, map[string]string{"ServerReady": "True/Available"})
	says(autoscalingv2.ScalingActive, corev1.ConditionFalse, "FailedGetContainerResourceMetric", before)
	eventuallyQuotes("FailedGetContainerResourceMetric")
	says(autoscalingv2.ScalingActive, corev1.ConditionTrue, "ValidMetricFound", before)
	w.eventuallyShows(rag, map[string]string{"ServerReady": "True/Available", "Ready": "True/Ready"})
}
