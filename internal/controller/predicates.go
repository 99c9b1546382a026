package controller

import (
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/observe"
)

// specChanged passes on a RAGService whose spec changed, that is being deleted, or whose user asks for a pass. Its status
// is the operator's own.
func specChanged() predicate.Predicate {
	return onUpdate(func(before, after client.Object) bool {
		return before.GetGeneration() != after.GetGeneration() || before.GetUID() != after.GetUID() ||
			before.GetAnnotations()[v1alpha1.AnnotationRequestedAt] != after.GetAnnotations()[v1alpha1.AnnotationRequestedAt]
	})
}

// childChanged passes on what a pass would notice of a child: its spec and metadata, and of a workload the numbers that
// are judged. The rest of a status is noise.
func childChanged() predicate.Predicate {
	return onUpdate(func(before, after client.Object) bool {
		return metadataChanged(before, after) || contentChanged(before, after) ||
			observe.WorkloadOf(before) != observe.WorkloadOf(after) || observe.ScheduleOf(before) != observe.ScheduleOf(after) ||
			revision(before) != revision(after)
	})
}

// podChanged passes on what is left of a pod in the cache, but for its version.
func podChanged() predicate.Predicate {
	return onUpdate(func(before, after client.Object) bool {
		x, isPod := before.(*corev1.Pod)
		y, arePods := after.(*corev1.Pod)
		return !isPod || !arePods || metadataChanged(before, after) || !equality.Semantic.DeepEqual(x.Status, y.Status)
	})
}

// claimChanged passes on what is read of a volume claim.
func claimChanged() predicate.Predicate { return onUpdate(metadataChanged) }

// onlyNew passes on objects that appear.
func onlyNew() predicate.Predicate {
	return predicate.Funcs{
		UpdateFunc:  func(event.UpdateEvent) bool { return false },
		DeleteFunc:  func(event.DeleteEvent) bool { return false },
		GenericFunc: func(event.GenericEvent) bool { return false },
	}
}

func onUpdate(changed func(before, after client.Object) bool) predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool { return changed(e.ObjectOld, e.ObjectNew) }}
}

func metadataChanged(before, after client.Object) bool {
	return before.GetUID() != after.GetUID() ||
		before.GetGeneration() != after.GetGeneration() ||
		before.GetDeletionTimestamp().IsZero() != after.GetDeletionTimestamp().IsZero() ||
		!maps.Equal(before.GetLabels(), after.GetLabels()) ||
		!maps.Equal(before.GetAnnotations(), after.GetAnnotations()) ||
		!equality.Semantic.DeepEqual(before.GetOwnerReferences(), after.GetOwnerReferences())
}

// contentChanged is for kinds without a generation: any new version of them is a change, but for an autoscaler, whose status moves
// every 15 s: of it only that it fails, or no longer does.
func contentChanged(before, after client.Object) bool {
	if x, scales := before.(*autoscalingv2.HorizontalPodAutoscaler); scales {
		y, scale := after.(*autoscalingv2.HorizontalPodAutoscaler)
		return !scale || !equality.Semantic.DeepEqual(x.Spec, y.Spec) || observe.ScalingChanged(x, y)
	}
	return after.GetGeneration() == 0 && before.GetResourceVersion() != after.GetResourceVersion()
}

// revision is the revision that pods of a StatefulSet shall have; pods of another are replaced.
func revision(object client.Object) string {
	if set, ok := object.(*appsv1.StatefulSet); ok {
		return set.Status.UpdateRevision
	}
	return ""
}
