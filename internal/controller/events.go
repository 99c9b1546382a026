package controller

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/status"
)

// recordEvents makes the events of transitions. Events are for people and may be lost; conditions are the record.
func (r *Reconciler) recordEvents(about runtime.Object, all []status.Event) {
	for _, e := range all {
		r.recorder.Eventf(about, nil, e.Type, e.Reason, e.Action, "%s", e.Message)
	}
}

// recordChanges makes the events of what somebody else caused. What the spec caused is seen in conditions.
func (r *Reconciler) recordChanges(about runtime.Object, changes changes) {
	for _, ref := range changes.recreated {
		r.recorder.Eventf(about, nil, corev1.EventTypeNormal, v1alpha1.EventRecreated, "Create",
			"%s %s had been deleted and was made again", ref.Kind, ref.Name)
	}
	for _, ref := range changes.Drifted {
		r.recorder.Eventf(about, nil, corev1.EventTypeNormal, v1alpha1.EventDriftRepaired, "Apply",
			"%s %s had been changed and is as the spec says again", ref.Kind, ref.Name)
	}
	for _, ref := range changes.Rotated {
		r.recorder.Eventf(about, nil, corev1.EventTypeNormal, v1alpha1.EventSecretRotated, "Rotate",
			"%s %s has new contents, as %s asks or since its certificate ends: what holds the old ones is replaced, or reads the new ones", ref.Kind, ref.Name, v1alpha1.AnnotationRotateAt)
	}
	for _, ref := range changes.Replaced {
		r.recorder.Eventf(about, nil, corev1.EventTypeNormal, v1alpha1.EventPodReplaced, "Delete",
			"%s %s was deleted to come back as the spec says", ref.Kind, ref.Name)
	}
}
