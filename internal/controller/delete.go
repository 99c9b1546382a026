package controller

import (
	"context"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// reconcileDelete forgets a RAGService that is gone and names the volumes that stay. It does its best: there is no
// finalizer, and the volumes carry label and annotation for whoever looks later.
func (r *Reconciler) reconcileDelete(ctx context.Context, key types.NamespacedName) {
	r.poller.Forget(key)
	r.conflicts.Forget(key)
	r.rolls.leave(key)
	forgetConditions(key)
	uid, known := r.ledger.remove(key)
	if !known {
		return
	}
	var claims corev1.PersistentVolumeClaimList
	if err := r.client.List(ctx, &claims, client.InNamespace(key.Namespace), client.MatchingLabels{
		desired.LabelManagedBy: desired.ManagedBy, desired.LabelInstance: key.Name,
	}); err != nil {
		logf.FromContext(ctx).Error(err, "finding the volumes that stay")
		return
	}
	var staying []string
	for i := range claims.Items {
		if isRetained(&claims.Items[i], uid) {
			staying = append(staying, claims.Items[i].Name)
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

// isRetained says that the garbage collector leaves the claim alone when its RAGService goes.
func isRetained(claim *corev1.PersistentVolumeClaim, owner types.UID) bool {
	if claim.DeletionTimestamp != nil {
		return false
	}
	for _, ref := range claim.OwnerReferences {
		if ref.UID == owner {
			return false
		}
	}
	return true
}
