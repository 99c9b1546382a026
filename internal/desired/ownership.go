package desired

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// Ownership is whose an object is that has a name which a RAGService needs.
type Ownership int

// Values of Ownership.
const (
	// Foreign is somebody else's: nothing is written to it.
	Foreign Ownership = iota
	// Own is the RAGService's. It may lack the owner reference, and gets it back.
	Own
	// Earlier is that of a RAGService of the same name which was deleted; the garbage collector is about to delete the object.
	Earlier
)

// OwnershipOf looks at owner references first. An object without a controller is the RAGService's when it was made for it,
// or for one of its name before it that was deleted with its objects left behind.
func OwnershipOf(object metav1.Object, rag *v1alpha1.RAGService) Ownership {
	controller := metav1.GetControllerOf(object)
	labels, maker := object.GetLabels(), object.GetAnnotations()[AnnotationServiceUID]
	switch {
	case controller == nil && maker == string(rag.UID),
		controller == nil && maker != "" && labels[LabelManagedBy] == ManagedBy && labels[LabelInstance] == rag.Name,
		controller != nil && controller.UID == rag.UID:
		return Own
	case controller != nil && controller.Kind == Kind && controller.Name == rag.Name && ofOurGroup(controller.APIVersion):
		return Earlier
	default:
		return Foreign
	}
}

func ofOurGroup(apiVersion string) bool {
	version, err := schema.ParseGroupVersion(apiVersion)
	return err == nil && version.Group == v1alpha1.GroupVersion.Group
}
