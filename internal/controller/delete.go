package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/apply"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// reconcileDelete forgets a RAGService that is gone. It does its best for its volumes: there is no finalizer, and they carry label and
// annotation for whoever looks later.
func (r *Reconciler) reconcileDelete(ctx context.Context, key types.NamespacedName) error {
	r.poller.Forget(key)
	r.notifier.Forget(key)
	r.conflicts.Forget(key)
	r.rolls.leave(key)
	forgetService(key)
	uid, known := r.memory.remove(key, r.now())
	gone, takesVolumes := r.memory.goneWithVolumes(key, r.now())
	if !known && !takesVolumes {
		return nil
	}
	var claims corev1.PersistentVolumeClaimList
	if err := r.client.List(ctx, &claims, client.InNamespace(key.Namespace), client.MatchingLabels{
		desired.LabelManagedBy: desired.ManagedBy, desired.LabelInstance: key.Name,
	}); err != nil {
		return fmt.Errorf("reading volume claims: %w", err)
	}
	if takesVolumes {
		return r.letGo(ctx, key.Name, gone, claims.Items)
	}
	r.nameRetained(key, uid, claims.Items)
	return nil
}

// nameRetained tells which volumes stay.
func (r *Reconciler) nameRetained(key types.NamespacedName, uid types.UID, claims []corev1.PersistentVolumeClaim) {
	var staying []string
	for i := range claims {
		if claims[i].DeletionTimestamp == nil && !isOwnedBy(&claims[i], uid) {
			staying = append(staying, claims[i].Name)
		}
	}
	if len(staying) == 0 {
		return
	}
	slices.Sort(staying)
	gone := &v1alpha1.RAGService{}
	gone.Namespace, gone.Name, gone.UID = key.Namespace, key.Name, uid
	r.recorder.Eventf(gone, nil, corev1.EventTypeNormal, v1alpha1.EventVolumesRetained, "Delete",
		"these volumes stay, with their data: %[1]s. To remove them: kubectl -n %[2]s delete pvc %[1]s",
		strings.Join(staying, " "), key.Namespace)
}

// letGo has the garbage collector take the claims that a StatefulSet made once more after theirs had been collected, and before it was
// itself: they have no owner. One that is gone is the owner of what is to be collected.
func (r *Reconciler) letGo(ctx context.Context, name string, uid types.UID, claims []corev1.PersistentVolumeClaim) error {
	var errs []error
	for i := range claims {
		claim := &claims[i]
		if claim.Annotations[desired.AnnotationServiceUID] != string(uid) || isOwnedBy(claim, uid) {
			continue
		}
		before := claim.DeepCopy()
		claim.OwnerReferences = append(claim.OwnerReferences, metav1.OwnerReference{
			APIVersion: v1alpha1.GroupVersion.String(), Kind: desired.Kind, Name: name, UID: uid,
		})
		patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
		err := r.client.Patch(ctx, claim, patch, apply.FieldOwner)
		errs = append(errs, client.IgnoreNotFound(err))
	}
	return errors.Join(errs...)
}

func isOwnedBy(object metav1.Object, uid types.UID) bool {
	return slices.ContainsFunc(object.GetOwnerReferences(), func(o metav1.OwnerReference) bool { return o.UID == uid })
}
