package apply

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/internal/desired"
)

// replaceOutdatedPods deletes the pod of the search engine when it is not of its StatefulSet's latest revision
// (OnDelete). A single node has no other to wait for: ready or not, it is replaced at once.
func (p *pass) replaceOutdatedPods(ctx context.Context) {
	name := desired.Name(p.rag.Name, desired.ComponentOpenSearch)
	ref := Ref{desired.ComponentOpenSearch, "Pod", name + "-0"}
	p.fail(ref, p.replaceOutdated(ctx, name, ref))
}

func (p *pass) replaceOutdated(ctx context.Context, statefulSet string, ref Ref) error {
	var set appsv1.StatefulSet
	if err := p.client.Get(ctx, client.ObjectKey{Namespace: p.rag.Namespace, Name: statefulSet}, &set); err != nil {
		return client.IgnoreNotFound(err)
	}
	if !metav1.IsControlledBy(&set, p.rag) || set.Status.ObservedGeneration < set.Generation || set.Status.UpdateRevision == "" {
		return nil
	}
	var pod corev1.Pod
	if err := p.client.Get(ctx, client.ObjectKey{Namespace: p.rag.Namespace, Name: ref.Name}, &pod); err != nil {
		return client.IgnoreNotFound(err)
	}
	current := pod.Labels[appsv1.ControllerRevisionHashLabelKey] == set.Status.UpdateRevision
	if current || !metav1.IsControlledBy(&pod, &set) || pod.DeletionTimestamp != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if err := p.client.Delete(ctx, &pod, client.Preconditions{UID: &pod.UID}); err != nil {
		if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
			return nil // it is gone, or another has its name: the next pass looks at that one
		}
		return err
	}
	p.changes.Replaced = append(p.changes.Replaced, ref)
	return nil
}
