package apply

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// ErrNameConflict is an object of the name that we need and that is not ours. Nothing was written to it.
var ErrNameConflict = errors.New("an object of this name exists and belongs to somebody else: delete or rename it")

// ErrBeingCollected is an object that has to go before it can be made anew: a child of an earlier RAGService of the same name, or
// a StatefulSet that cannot be changed.
var ErrBeingCollected = errors.New("the object is being deleted, to be made anew")

// ErrServiceGoes is an object that is not taken over, because the RAGService is being deleted or is gone already.
var ErrServiceGoes = errors.New("the RAGService is being deleted")

// mayAdopt asks the API server, once a pass, whether the RAGService may become the owner of what has lost its owner. The cache may not
// show yet that it is being deleted with its children left behind: the garbage collector would take what it becomes the owner of.
func (p *pass) mayAdopt(ctx context.Context) error {
	if p.adopts {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var meta metav1.PartialObjectMetadata
	meta.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(desired.Kind))
	err := p.live.Get(ctx, client.ObjectKeyFromObject(p.rag), &meta)
	switch {
	case apierrors.IsNotFound(err), err == nil && (meta.UID != p.rag.UID || meta.DeletionTimestamp != nil):
		return ErrServiceGoes
	case err != nil:
		return fmt.Errorf("reading the RAGService: %w", err)
	}
	p.adopts = true
	return nil
}

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
