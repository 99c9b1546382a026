package apply

import (
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Kinds are the kinds of objects that are applied and pruned: those to watch. They are in the order in which what is no
// longer wanted goes: what scales workloads, then these. Generated Secrets are not among them.
func Kinds() []client.Object {
	return []client.Object{
		&autoscalingv2.HorizontalPodAutoscaler{},
		&batchv1.CronJob{},
		&appsv1.Deployment{},
		&appsv1.StatefulSet{},
		&policyv1.PodDisruptionBudget{},
		&networkingv1.Ingress{},
		&corev1.Service{},
		&networkingv1.NetworkPolicy{},
		&corev1.ConfigMap{},
		&corev1.ServiceAccount{},
	}
}
