package apply

import (
	"context"
	"errors"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/internal/desired"
)

// ErrNameConflict is an object of the name that we need and that is not ours. Nothing was written to it.
var ErrNameConflict = errors.New("an object of this name exists and belongs to somebody else: delete or rename it")

// ErrBeingCollected is a child of an earlier RAGService of the same name, which is being deleted.
var ErrBeingCollected = errors.New("the object of an earlier RAGService of this name is still being deleted")

// checkOwner accepts an object of the RAGService.
func (p *pass) checkOwner(object metav1.Object) error {
	switch desired.OwnershipOf(object, p.rag) {
	case desired.Own:
		return nil
	case desired.Earlier:
		return ErrBeingCollected
	default:
		return ErrNameConflict
	}
}

// isOfAnEarlier says that a StatefulSet was left behind by an earlier RAGService: its volumes are marked with that one's UID,
// and that cannot be changed.
func (p *pass) isOfAnEarlier(set *appsv1.StatefulSet) bool {
	for i := range set.Spec.VolumeClaimTemplates {
		if uid := set.Spec.VolumeClaimTemplates[i].Annotations[desired.AnnotationServiceUID]; uid != "" && uid != string(p.rag.UID) {
			return true
		}
	}
	return false
}

// deleteAlone deletes a StatefulSet and leaves its pods and volumes to the one that takes its place.
func (p *pass) deleteAlone(ctx context.Context, set *appsv1.StatefulSet) error {
	if set.DeletionTimestamp.IsZero() {
		ctx, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		err := p.client.Delete(ctx, set, client.PropagationPolicy(metav1.DeletePropagationOrphan),
			client.Preconditions{UID: &set.UID, ResourceVersion: &set.ResourceVersion})
		if client.IgnoreNotFound(err) != nil {
			return err
		}
	}
	return ErrBeingCollected
}
