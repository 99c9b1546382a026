package desired

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	autoscalingv2ac "k8s.io/client-go/applyconfigurations/autoscaling/v2"

	"github.com/ragservice/ragservice-operator/internal/serverconfig"
)

// AnnotationAutoscaled on the server's Deployment says that its number of pods is an autoscaler's. It is written in the apply that
// no longer has the number.
const AnnotationAutoscaled = "ragservice.dev/autoscaled"

// Deployment is what exists of the server's.
type Deployment struct {
	Replicas int32
	// Autoscaled says that the operator does not own the number.
	Autoscaled bool
}

// replicas is how many servers shall run: what the spec says, or what the autoscaler chose last.
func (b build) replicas() int32 {
	a, on := serverconfig.Autoscaled(b.Service)
	switch {
	case !on:
		return serverconfig.Replicas(b.Service)
	case b.Server == nil:
		return a.Least
	default:
		return max(b.Server.Replicas, a.Least)
	}
}

// scale writes the number of pods into a Deployment, or leaves it to an autoscaler.
func (b build) scale(deployment *appsv1ac.DeploymentApplyConfiguration) {
	if _, on := serverconfig.Autoscaled(b.Service); on {
		deployment.WithAnnotations(map[string]string{AnnotationAutoscaled: "true"})
		return
	}
	deployment.Spec.WithReplicas(serverconfig.Replicas(b.Service))
}

// autoscaler scales the Deployment, whatever else may run beside the server in its pods.
func autoscaler(p part, a serverconfig.Autoscaling) *autoscalingv2ac.HorizontalPodAutoscalerApplyConfiguration {
	return autoscalingv2ac.HorizontalPodAutoscaler(p.name(), p.namespace()).
		WithSpec(autoscalingv2ac.HorizontalPodAutoscalerSpec().
			WithScaleTargetRef(autoscalingv2ac.CrossVersionObjectReference().
				WithAPIVersion("apps/v1").WithKind("Deployment").WithName(p.name())).
			WithMinReplicas(a.Least).
			WithMaxReplicas(a.Most).
			WithMetrics(autoscalingv2ac.MetricSpec().
				WithType(autoscalingv2.ContainerResourceMetricSourceType).
				WithContainerResource(autoscalingv2ac.ContainerResourceMetricSource().
					WithContainer(ServerContainer).
					WithName(corev1.ResourceCPU).
					WithTarget(autoscalingv2ac.MetricTarget().
						WithType(autoscalingv2.UtilizationMetricType).
						WithAverageUtilization(a.TargetCPU)))))
}

// handOver is needed while the operator still owns the number of pods, which would fall to the API server's default of 1 when it is
// no longer applied; and below the least number, since an autoscaler leaves a Deployment of no pods alone.
func (b build) handOver(p part) []Action {
	a, on := serverconfig.Autoscaled(b.Service)
	if !on || b.Server != nil && b.Server.Autoscaled && b.Server.Replicas >= a.Least {
		return nil
	}
	return []Action{HandOver{Component: p.component, Name: p.name(), AtLeast: a.Least}}
}
