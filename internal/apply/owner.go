package apply

import (
	"errors"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// ErrNameConflict is an object of the name that we need and that is not ours. Nothing was written to it.
var ErrNameConflict = errors.New("an object of this name exists and belongs to somebody else: delete or rename it")

// ErrBeingCollected is a child of an earlier RAGService of the same name, which the garbage collector deletes.
var ErrBeingCollected = errors.New("the object of an earlier RAGService of this name is still being deleted")

// checkOwner accepts an object that the RAGService controls, and one that nobody controls and that was made for this
// RAGService: it lost its owner reference, and gets it back.
func (p *pass) checkOwner(object metav1.Object) error {
	controller := metav1.GetControllerOf(object)
	switch {
	case controller == nil && object.GetAnnotations()[desired.AnnotationServiceUID] == string(p.rag.UID):
		return nil
	case controller == nil:
		return ErrNameConflict
	case controller.UID == p.rag.UID:
		return nil
	case controller.Kind == desired.Kind && controller.Name == p.rag.Name && ofOurGroup(controller.APIVersion):
		return ErrBeingCollected
	default:
		return ErrNameConflict
	}
}

func ofOurGroup(apiVersion string) bool {
	version, err := schema.ParseGroupVersion(apiVersion)
	return err == nil && version.Group == v1alpha1.GroupVersion.Group
}
