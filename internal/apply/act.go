package apply

import (
	"context"
	"encoding/json"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// act executes an action.
func (p *pass) act(ctx context.Context, action desired.Action) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	switch a := action.(type) {
	case desired.DeletePod:
		ref := Ref{a.Component, "Pod", a.Name}
		p.fail(ref, p.deletePod(ctx, ref, a))
	case desired.OwnClaim:
		ref := Ref{a.Component, "PersistentVolumeClaim", a.Name}
		p.fail(ref, p.ownClaim(ctx, ref, a))
	case desired.GrowClaim:
		ref := Ref{a.Component, "PersistentVolumeClaim", a.Name}
		p.fail(ref, p.growClaim(ctx, ref, a))
	case desired.MarkClaim:
		ref := Ref{a.Component, "PersistentVolumeClaim", a.Name}
		p.fail(ref, p.markClaim(ctx, ref, a))
	case desired.SetLeaving:
		// What came of it is seen in what the cluster says next, and is not what the pass is about: no failure of it.
		if err := p.nodes.SetLeaving(ctx, client.ObjectKeyFromObject(p.rag), a); err != nil {
			logf.FromContext(ctx).Info("telling OpenSearch which nodes leave", "pod", a.Pod, "error", err.Error())
		}
	case desired.HandOver:
		ref := Ref{a.Component, "Deployment", a.Name}
		p.fail(ref, p.handOver(ctx, ref, a))
	case desired.OwnSecret:
		ref := Ref{Kind: "Secret", Name: a.Name}
		p.fail(ref, p.ownSecret(ctx, ref, a))
	case desired.RotateSecret:
		ref := Ref{Kind: "Secret", Name: a.Name}
		p.fail(ref, p.rotateSecret(ctx, ref, a))
	}
}

// deletePod deletes the pod of that UID. When it is gone, or another has its name, nothing is left to do.
func (p *pass) deletePod(ctx context.Context, ref Ref, d desired.DeletePod) error {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: p.rag.Namespace, Name: d.Name}}
	err := p.client.Delete(ctx, pod, client.Preconditions{UID: &d.UID})
	switch {
	case err == nil:
		p.changes.Replaced = append(p.changes.Replaced, ref)
		return nil
	case apierrors.IsNotFound(err) || apierrors.IsConflict(err):
		return nil
	default:
		return err
	}
}

// ownClaim patches the claim's owners alone. The StatefulSet made the claim and others write to it, so it is no child
// to be rendered.
func (p *pass) ownClaim(ctx context.Context, ref Ref, a desired.OwnClaim) error {
	var claim corev1.PersistentVolumeClaim
	if err := p.client.Get(ctx, client.ObjectKey{Namespace: p.rag.Namespace, Name: a.Name}, &claim); err != nil {
		return client.IgnoreNotFound(err)
	}
	before := claim.DeepCopy()
	claim.OwnerReferences = slices.DeleteFunc(claim.OwnerReferences, func(o metav1.OwnerReference) bool { return o.UID == p.rag.UID })
	if a.GoesWithService {
		if err := p.mayAdopt(ctx); err != nil {
			return err
		}
		claim.OwnerReferences = append(claim.OwnerReferences, metav1.OwnerReference{
			APIVersion: v1alpha1.GroupVersion.String(), Kind: desired.Kind, Name: p.rag.Name, UID: p.rag.UID,
		})
	}
	return p.patch(ctx, ref, &claim, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
}

func (p *pass) growClaim(ctx context.Context, ref Ref, a desired.GrowClaim) error {
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: p.rag.Namespace, Name: a.Name}}
	before := claim.DeepCopy()
	claim.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: a.Size}
	return p.patch(ctx, ref, claim, client.MergeFrom(before))
}

func (p *pass) markClaim(ctx context.Context, ref Ref, a desired.MarkClaim) error {
	var value *string // null takes it off, and leaves the annotations of others
	if a.Value != "" {
		value = &a.Value
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]any{a.Annotation: value}}})
	if err != nil {
		return err
	}
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: p.rag.Namespace, Name: a.Name}}
	return p.patch(ctx, ref, claim, client.RawPatch(types.MergePatchType, patch))
}

// handOver reads the number of pods from the API server, and writes it under the version that it was read in: it never falls. What
// cannot be written, for being somebody else's, is told when the Deployment is.
func (p *pass) handOver(ctx context.Context, ref Ref, a desired.HandOver) error {
	var d appsv1.Deployment
	if err := p.live.Get(ctx, client.ObjectKey{Namespace: p.rag.Namespace, Name: a.Name}, &d); err != nil {
		return client.IgnoreNotFound(err)
	}
	now := ptr.Deref(d.Spec.Replicas, 1)
	to := max(now, a.AtLeast)
	handedOver := d.Annotations[desired.AnnotationAutoscaled] != ""
	if desired.OwnershipOf(&d, p.rag) != desired.Own || handedOver && to == now {
		return nil
	}
	number := appsv1ac.Deployment(d.Name, d.Namespace).WithResourceVersion(d.ResourceVersion).
		WithSpec(appsv1ac.DeploymentSpec().WithReplicas(to))
	if err := p.client.Apply(ctx, number, HandOffOwner, client.ForceOwnership); err != nil {
		return err
	}
	if handedOver { // else the Deployment is written next, and told then
		p.changes.Updated = append(p.changes.Updated, ref)
	}
	return nil
}

// ownSecret sees and writes metadata alone.
func (p *pass) ownSecret(ctx context.Context, ref Ref, a desired.OwnSecret) error {
	meta := secretMetadata()
	if err := p.live.Get(ctx, client.ObjectKey{Namespace: p.rag.Namespace, Name: a.Name}, meta); err != nil {
		return client.IgnoreNotFound(err)
	}
	if err := p.checkOwner(meta); err != nil {
		return err
	}
	if metav1.IsControlledBy(meta, p.rag) == a.GoesWithService {
		return nil // the cache is behind
	}
	before := meta.DeepCopy()
	change := func() error { return controllerutil.RemoveControllerReference(p.rag, meta, p.scheme) }
	if a.GoesWithService {
		if err := p.mayAdopt(ctx); err != nil {
			return err
		}
		change = func() error { return controllerutil.SetControllerReference(p.rag, meta, p.scheme) }
	}
	if err := change(); err != nil {
		return err
	}
	return p.patch(ctx, ref, meta, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
}

// patch writes a part of an object that was made and is not rendered. A conflict is tried again.
func (p *pass) patch(ctx context.Context, ref Ref, object client.Object, patch client.Patch) error {
	if err := p.client.Patch(ctx, object, patch, FieldOwner); err != nil {
		return client.IgnoreNotFound(err)
	}
	p.changes.Updated = append(p.changes.Updated, ref)
	return nil
}

// deleteAlone deletes a StatefulSet without its pods. Nothing can be written in its place yet: it stays until the garbage collector
// has made orphans of the pods.
func (p *pass) deleteAlone(ctx context.Context, d desired.DeleteStatefulSet) {
	err := ErrBeingCollected
	if !d.Deleting {
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		set := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: p.rag.Namespace, Name: d.Name}}
		failed := p.client.Delete(ctx, set, client.PropagationPolicy(metav1.DeletePropagationOrphan),
			client.Preconditions{UID: &d.UID, ResourceVersion: &d.ResourceVersion})
		if client.IgnoreNotFound(failed) != nil {
			err = failed
		}
	}
	p.fail(Ref{d.Component, "StatefulSet", d.Name}, err)
}
