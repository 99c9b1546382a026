package gather

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// openSearchInitialized says that a cluster has formed on the data volume, be it one that an earlier RAGService left.
func (g *Gatherer) openSearchInitialized(ctx context.Context, rag *v1alpha1.RAGService) (bool, error) {
	var claim corev1.PersistentVolumeClaim
	key := types.NamespacedName{Namespace: rag.Namespace, Name: desired.ClaimName(rag.Name, desired.ComponentOpenSearch)}
	if err := g.cache.Get(ctx, key, &claim); err != nil {
		if client.IgnoreNotFound(err) == nil {
			return false, nil
		}
		return false, fmt.Errorf("reading the search engine's volume claim: %w", err)
	}
	return claim.Annotations[desired.AnnotationClusterUUID] != "", nil
}
