package gather

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// storageClasses reads, from the cache, which classes the StatefulSets of rag were made with.
func (g *Gatherer) storageClasses(ctx context.Context, rag *v1alpha1.RAGService) (map[desired.Component]string, error) {
	classes := map[desired.Component]string{}
	for _, c := range []desired.Component{desired.ComponentRedisState, desired.ComponentOpenSearch} {
		var set appsv1.StatefulSet
		err := g.cache.Get(ctx, client.ObjectKey{Namespace: rag.Namespace, Name: desired.Name(rag.Name, c)}, &set)
		if client.IgnoreNotFound(err) != nil {
			return nil, fmt.Errorf("reading the StatefulSet of %s: %w", c, err)
		}
		if err == nil && metav1.IsControlledBy(&set, rag) && len(set.Spec.VolumeClaimTemplates) > 0 {
			classes[c] = ptr.Deref(set.Spec.VolumeClaimTemplates[0].Spec.StorageClassName, "")
		}
	}
	return classes, nil
}
