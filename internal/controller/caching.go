package controller

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/observe"
)

// CacheOptions are those of the manager's cache: of what carries our labels no more than is read, and of Secrets
// nothing but metadata. A read of anything that is not watched fails, rather than to begin a watch of a whole cluster.
// namespaces limits all of it; none means the whole cluster.
func CacheOptions(namespaces []string) cache.Options {
	options := cache.Options{
		DefaultLabelSelector: labels.SelectorFromSet(labels.Set{desired.LabelManagedBy: desired.ManagedBy}),
		ByObject: map[client.Object]cache.ByObject{
			&v1alpha1.RAGService{}: {Label: labels.Everything()},
			&corev1.Secret{}:       {Label: labels.Everything(), Transform: trimSecret},
			&corev1.Pod{}:          {Transform: observe.TrimPod},
		},
		DefaultTransform:            cache.TransformStripManagedFields(),
		ReaderFailOnMissingInformer: true,
	}
	if len(namespaces) > 0 {
		options.DefaultNamespaces = map[string]cache.Config{}
		for _, namespace := range namespaces {
			options.DefaultNamespaces[namespace] = cache.Config{}
		}
	}
	return options
}

// ClientOptions are those of the manager's client. Secrets are never read through the cache as a whole: that would begin
// to keep the contents of every Secret of the cluster. Custom kinds are read through it without Go types.
func ClientOptions() client.Options {
	return client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{&corev1.Secret{}}, Unstructured: true}}
}

// trimSecret leaves of a Secret's metadata what is read. Its annotations may hold a copy of its contents: kubectl apply
// puts one there.
func trimSecret(object any) (any, error) {
	if metadata, err := meta.Accessor(object); err == nil {
		metadata.SetManagedFields(nil)
		kept := map[string]string{}
		for _, key := range []string{desired.AnnotationServiceUID, desired.AnnotationRotatedAt, v1alpha1.AnnotationRotateAt} {
			if value := metadata.GetAnnotations()[key]; value != "" {
				kept[key] = value
			}
		}
		metadata.SetAnnotations(kept)
	}
	return object, nil
}
