package apply

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Kinds are the kinds of objects that are applied and pruned: those to watch. Generated Secrets are not among them.
func Kinds() []client.Object {
	return []client.Object{
		&corev1.ServiceAccount{},
		&corev1.ConfigMap{},
		&corev1.Service{},
		&networkingv1.NetworkPolicy{},
		&policyv1.PodDisruptionBudget{},
		&appsv1.StatefulSet{},
		&appsv1.Deployment{},
	}
}

// lists are empty lists of Kinds, in the order in which what is no longer wanted goes: pods first.
func lists() []client.ObjectList {
	return []client.ObjectList{
		&appsv1.DeploymentList{},
		&appsv1.StatefulSetList{},
		&policyv1.PodDisruptionBudgetList{},
		&corev1.ServiceList{},
		&networkingv1.NetworkPolicyList{},
		&corev1.ConfigMapList{},
		&corev1.ServiceAccountList{},
	}
}
