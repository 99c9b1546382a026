package observe

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// reusedVolume says that the claim of the search engine's first node was made by another RAGService of this name.
func (o *Observer) reusedVolume(ctx context.Context, rag *v1alpha1.RAGService) (bool, error) {
	key := types.NamespacedName{
		Namespace: rag.Namespace,
		Name:      desired.ClaimName(rag.Name, desired.ComponentOpenSearch),
	}
	var claim corev1.PersistentVolumeClaim
	if err := o.Reader.Get(ctx, key, &claim); err != nil {
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		return false, err
	}
	maker, known := claim.Annotations[desired.AnnotationServiceUID]
	return known && maker != string(rag.UID), nil
}
