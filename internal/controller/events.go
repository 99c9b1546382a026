package controller

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/apply"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/status"
)

// recordEvents makes the events of transitions. Events are for people and may be lost; conditions are the record.
func (r *Reconciler) recordEvents(about *v1alpha1.RAGService, all []status.Event) {
	for _, e := range all {
		var related runtime.Object
		if e.Field != "" {
			related = &corev1.ObjectReference{
				APIVersion: v1alpha1.GroupVersion.String(), Kind: desired.Kind, Namespace: about.Namespace, Name: about.Name, UID: about.UID,
				FieldPath: e.Field,
			}
		}
		r.recorder.Eventf(about, related, e.Type, e.Reason, e.Action, "%s", e.Message)
	}
}

// recordChanges makes the events of what somebody else caused. What the spec caused is seen in conditions.
//
// Each is related to the object that it tells of: the recorder takes events that differ in their words alone for one that repeats, and
// keeps the words of the first.
func (r *Reconciler) recordChanges(about *v1alpha1.RAGService, changes changes) {
	for _, each := range []struct {
		refs                 []apply.Ref
		reason, action, what string
	}{
		{changes.recreated, v1alpha1.EventRecreated, "Create", "had been deleted and was made again"},
		{changes.Drifted, v1alpha1.EventDriftRepaired, "Apply", "had been changed and is as the spec says again"},
		{changes.Rotated, v1alpha1.EventSecretRotated, "Rotate", "has new contents, as " + v1alpha1.AnnotationRotateAt +
			" asks: what holds the old ones is replaced, or reads the new ones"},
		{changes.Renewed, v1alpha1.EventSecretRotated, "Renew", "has a new certificate, since the one of before ends: what holds it is replaced"},
		{changes.Replaced, v1alpha1.EventPodReplaced, "Delete", "was deleted to come back as the spec says"},
	} {
		for _, ref := range each.refs {
			related := &corev1.ObjectReference{Kind: ref.Kind, Namespace: about.Namespace, Name: ref.Name}
			r.recorder.Eventf(about, related, corev1.EventTypeNormal, each.reason, each.action, "%s %s %s", ref.Kind, ref.Name, each.what)
		}
	}
}
