package apply

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// keepVolumes makes volumes go with the RAGService, or stay, and lets them grow.
func (p *pass) keepVolumes(ctx context.Context, of desired.ComponentPlan) {
	for _, wanted := range of.Claims {
		ref := Ref{of.Name, "PersistentVolumeClaim", wanted.Name}
		var claim corev1.PersistentVolumeClaim
		err := p.client.Get(ctx, client.ObjectKey{Namespace: p.rag.Namespace, Name: ref.Name}, &claim)
		if err != nil {
			p.fail(ref, client.IgnoreNotFound(err))
			continue
		}
		p.fail(ref, p.ownVolume(ctx, ref, claim.DeepCopy(), wanted.GoesWithService))
		p.fail(ref, p.growVolume(ctx, ref, &claim, wanted.Size))
	}
}

// ownVolume patches the claim's owners alone. The StatefulSet made the claim and others write to it, so it is no child
// to be rendered.
func (p *pass) ownVolume(ctx context.Context, ref Ref, claim *corev1.PersistentVolumeClaim, owned bool) error {
	isOurs := func(o metav1.OwnerReference) bool { return o.UID == p.rag.UID }
	if slices.ContainsFunc(claim.OwnerReferences, isOurs) == owned {
		return nil
	}
	before := claim.DeepCopy()
	claim.OwnerReferences = slices.DeleteFunc(claim.OwnerReferences, isOurs)
	if owned {
		claim.OwnerReferences = append(claim.OwnerReferences, metav1.OwnerReference{
			APIVersion: v1alpha1.GroupVersion.String(), Kind: desired.Kind, Name: p.rag.Name, UID: p.rag.UID,
		})
	}
	return p.patch(ctx, ref, claim, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
}

// growVolume asks for a larger volume. The API server refuses where the claim has none yet, or a class that does not allow it.
// One that is larger than asked for, as an earlier RAGService left it, stays so.
func (p *pass) growVolume(ctx context.Context, ref Ref, claim *corev1.PersistentVolumeClaim, size resource.Quantity) error {
	if claim.Status.Phase != corev1.ClaimBound || claim.Spec.Resources.Requests.Storage().Cmp(size) >= 0 {
		return nil
	}
	before := claim.DeepCopy()
	claim.Spec.Resources.Requests[corev1.ResourceStorage] = size
	return p.patch(ctx, ref, claim, client.MergeFrom(before))
}

// patch writes a part of an object that was made and is not rendered. A conflict is tried again.
func (p *pass) patch(ctx context.Context, ref Ref, object client.Object, patch client.Patch) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if err := p.client.Patch(ctx, object, patch, FieldOwner); err != nil {
		return client.IgnoreNotFound(err)
	}
	p.changes.Updated = append(p.changes.Updated, ref)
	return nil
}
