package apply

import (
	"context"
	"errors"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/internal/desired"
)

// ErrNameConflict is an object of the name that we need and that is not ours. Nothing was written to it.
var ErrNameConflict = errors.New("an object of this name exists and belongs to somebody else: delete or rename it")

// ErrBeingCollected is an object that has to go before it can be made anew: a child of an earlier RAGService of the same name, or
// a StatefulSet that cannot be changed.
var ErrBeingCollected = errors.New("the object is being deleted, to be made anew")

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

// hasOtherVolumes says that a StatefulSet cannot become what was rendered, since its templates of volumes never change: it was
// left behind by an earlier RAGService, whose UID they bear, or its volumes were smaller.
func (p *pass) hasOtherVolumes(set *appsv1.StatefulSet, r rendered) bool {
	var wanted appsv1.StatefulSet
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(r.Object, &wanted); err != nil {
		return false // the comparison of all fields tells
	}
	for i := range min(len(set.Spec.VolumeClaimTemplates), len(wanted.Spec.VolumeClaimTemplates)) {
		is, shall := &set.Spec.VolumeClaimTemplates[i], &wanted.Spec.VolumeClaimTemplates[i]
		maker := is.Annotations[desired.AnnotationServiceUID]
		if maker != "" && maker != string(p.rag.UID) || is.Spec.Resources.Requests.Storage().Cmp(*shall.Spec.Resources.Requests.Storage()) < 0 {
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
