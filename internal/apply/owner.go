package apply

import (
	"errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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
