package controller_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/ragservice/ragservice-operator/internal/apply"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// An object of each kind is in the way that a later operator renders no more.
func TestWhatAnEarlierOperatorMadeGoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startOperator()
	rag := w.service()
	w.ready(rag)
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "old"}}
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: selector.MatchLabels},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}},
	}
	for _, old := range apply.Kinds() {
		switch o := old.(type) {
		case *autoscalingv2.HorizontalPodAutoscaler:
			o.Spec.MaxReplicas = 3
			o.Spec.ScaleTargetRef = autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "papers-old"}
		case *batchv1.CronJob:
			o.Spec.Schedule, o.Spec.JobTemplate.Spec.Template = "@daily", template
			o.Spec.JobTemplate.Spec.Template.Spec.RestartPolicy = corev1.RestartPolicyNever
		case *appsv1.Deployment:
			o.Spec = appsv1.DeploymentSpec{Selector: selector, Template: template}
		case *appsv1.StatefulSet:
			o.Spec = appsv1.StatefulSetSpec{Selector: selector, Template: template}
		case *networkingv1.Ingress:
			o.Spec.Rules = []networkingv1.IngressRule{{Host: "old.example.com"}}
		case *policyv1.PodDisruptionBudget:
			o.Spec.Selector = selector
		case *corev1.Service:
			o.Spec.Ports = []corev1.ServicePort{{Port: 1}}
		}
		old.SetName("papers-old")
		old.SetNamespace(w.namespace)
		old.SetLabels(desired.Labels(rag.Name, desired.ComponentServer))
		w.must(controllerutil.SetControllerReference(rag, old, w.Scheme()))
		w.must(w.Create(t.Context(), old))
		w.eventually(func() string {
			if err := w.Get(t.Context(), client.ObjectKeyFromObject(old), old); !apierrors.IsNotFound(err) {
				return old.GetName() + " is still there"
			}
			return ""
		})
	}
}

func TestOpenSearchIsRolledByTheOperator(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.startOperator()
	rag := w.service()
	w.ready(rag)
	var set appsv1.StatefulSet
	w.awaits(rag, desired.ComponentOpenSearch, &set)
	set.Spec.Template.Labels[appsv1.ControllerRevisionHashLabelKey] = "before"
	set.Spec.Template.Spec.Volumes = append(set.Spec.Template.Spec.Volumes, corev1.Volume{Name: desired.DataVolume})
	pod := w.pod(&set, set.Name+"-0", set.Spec.Template)
	w.setStatus(&set, func() { set.Status.UpdateRevision = "after" })
	w.eventually(func() string {
		err := w.Get(t.Context(), client.ObjectKeyFromObject(pod), pod)
		if err == nil && pod.DeletionTimestamp.IsZero() {
			return "the pod of the revision before stays"
		}
		return ""
	})
	w.eventuallyTells("PodReplaced")
}
