package observe

import (
	"context"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/serverconfig"
	"github.com/ragservice/ragservice-operator/internal/status"
)

// scalingGrace is how long an autoscaler may fail before that is told: of pods that have just started there are no figures yet, which it
// takes for up to 5 minutes (--horizontal-pod-autoscaler-cpu-initialization-period).
const scalingGrace = 5 * time.Minute

// readAutoscaler reads the server's HorizontalPodAutoscaler, where the spec asks for one.
func (s *Snapshot) readAutoscaler(ctx context.Context, reader client.Reader) error {
	if _, on := serverconfig.Autoscaled(s.service); !on {
		return nil
	}
	h := &autoscalingv2.HorizontalPodAutoscaler{}
	key := client.ObjectKey{Namespace: s.service.Namespace, Name: desired.Name(s.service.Name, desired.ComponentServer)}
	if err := reader.Get(ctx, key, h); err != nil {
		return client.IgnoreNotFound(err)
	}
	if metav1.IsControlledBy(h, s.service) {
		s.autoscaler = h
	}
	return nil
}

// scaling is what keeps the autoscaler from its work; zero when nothing does, or not for long enough. left is how long one that began to
// fail is still waited for.
func (s *Snapshot) scaling(now time.Time) (failed status.ScalingFailure, left time.Duration) {
	if s.autoscaler == nil {
		return status.ScalingFailure{}, 0
	}
	failed, since := scalingFailure(s.autoscaler)
	if left := since.Add(scalingGrace).Sub(now); failed.Reason != "" && left > 0 {
		return status.ScalingFailure{}, left
	}
	return failed, 0
}

// scalingFailure is the first condition of an autoscaler that says that it does not scale, and since when.
func scalingFailure(h *autoscalingv2.HorizontalPodAutoscaler) (failed status.ScalingFailure, since time.Time) {
	for _, kind := range []autoscalingv2.HorizontalPodAutoscalerConditionType{autoscalingv2.AbleToScale, autoscalingv2.ScalingActive} {
		for _, c := range h.Status.Conditions {
			if c.Type == kind && c.Status == corev1.ConditionFalse {
				return status.ScalingFailure{Condition: string(kind), Reason: c.Reason}, c.LastTransitionTime.Time
			}
		}
	}
	return status.ScalingFailure{}, time.Time{}
}

// ScalingChanged says that an autoscaler began or ceased to fail, or fails for another reason.
func ScalingChanged(before, after *autoscalingv2.HorizontalPodAutoscaler) bool {
	x, since := scalingFailure(before)
	y, began := scalingFailure(after)
	return x != y || !since.Equal(began)
}
