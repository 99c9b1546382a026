package apply

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// ownVolumes makes volumes go with the RAGService, or stay.
func (p *pass) ownVolumes(ctx context.Context, of desired.ComponentPlan) {
	for _, claim := range of.Claims {
		ref := Ref{of.Name, "PersistentVolumeClaim", claim.Name}
		p.fail(ref, p.ownVolume(ctx, ref, claim.GoesWithService))
	}
}

// ownVolume patches the claim's owners alone. The StatefulSet made the claim and others write to it, so it is no child
// to be rendered.
func (p *pass) ownVolume(ctx context.Context, ref Ref, owned bool) error {
	var claim corev1.PersistentVolumeClaim
	if err := p.client.Get(ctx, client.ObjectKey{Namespace: p.rag.Namespace, Name: ref.Name}, &claim); err != nil {
		return client.IgnoreNotFound(err)
	}
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
	return p.patchOwners(ctx, ref, &claim, before)
}

// patchOwners writes what differs from before. The patch holds for the version that was read; a conflict is tried again.
func (p *pass) patchOwners(ctx context.Context, ref Ref, object, before client.Object) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := p.client.Patch(ctx, object, patch, FieldOwner); err != nil {
		return client.IgnoreNotFound(err)
	}
	p.changes.Updated = append(p.changes.Updated, ref)
	return nil
}
