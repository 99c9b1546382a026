package apply

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// CustomKinds are the kinds of custom resource definitions. The API server may begin to serve one at any time, or never.
type CustomKinds interface {
	// Watched are the kinds that the cache holds.
	Watched() []schema.GroupVersionKind
	// Watch makes the cache hold a kind, and changes of its objects begin a pass. It fails while the API server does not serve the
	// kind.
	Watch(ctx context.Context, kind schema.GroupVersionKind) error
	// Forget is told that the API server does not serve a kind any more.
	Forget(ctx context.Context, kind schema.GroupVersionKind) error
}

// isKindGone says that a write failed because the API server does not serve the kind of the object: of one that it serves, it answers itself that
// there is no such object, or no such namespace.
func isKindGone(err error) bool {
	return meta.IsNoMatchError(err) || apierrors.IsNotFound(err) && apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}

// newObject is an empty object of a kind: of its Go type, or without one for a custom kind.
func (a *Applier) newObject(kind schema.GroupVersionKind) (client.Object, error) {
	if !a.scheme.Recognizes(kind) {
		u := &unstructured.Unstructured{}
		u.SetGroupVersionKind(kind)
		return u, nil
	}
	empty, err := a.scheme.New(kind)
	if err != nil {
		return nil, err
	}
	object, ok := empty.(client.Object)
	if !ok {
		return nil, fmt.Errorf("%s has no metadata", kind)
	}
	return object, nil
}

// newList is an empty list of a kind.
func (a *Applier) newList(kind schema.GroupVersionKind) (client.ObjectList, error) {
	kind.Kind += "List"
	if !a.scheme.Recognizes(kind) {
		u := &unstructured.UnstructuredList{}
		u.SetGroupVersionKind(kind)
		return u, nil
	}
	empty, err := a.scheme.New(kind)
	if err != nil {
		return nil, err
	}
	list, ok := empty.(client.ObjectList)
	if !ok {
		return nil, fmt.Errorf("%s is no list", kind)
	}
	return list, nil
}

// asRenderedUntyped is asRendered for a custom kind, whose schema is not known here. The API server may have added defaults to the
// items of a list, so these are compared one by one.
func (p *pass) asRenderedUntyped(r rendered, object *unstructured.Unstructured) bool {
	if !metav1.IsControlledBy(object, p.rag) {
		return false
	}
	for key, want := range r.Object {
		if key != "metadata" && !contains(object.Object[key], want) {
			return false
		}
	}
	return containsAll(object.GetLabels(), r.GetLabels()) && containsAll(object.GetAnnotations(), r.GetAnnotations())
}

// contains says that got is want, or has more fields.
func contains(got, want any) bool {
	switch want := want.(type) {
	case map[string]any:
		fields, ok := got.(map[string]any)
		if !ok {
			return false
		}
		for key, value := range want {
			if !contains(fields[key], value) {
				return false
			}
		}
		return true
	case []any:
		items, ok := got.([]any)
		if !ok || len(items) != len(want) {
			return false
		}
		for i, value := range want {
			if !contains(items[i], value) {
				return false
			}
		}
		return true
	default:
		return got == want
	}
}

func containsAll(got, want map[string]string) bool {
	for key, value := range want {
		if is, set := got[key]; !set || is != value {
			return false
		}
	}
	return true
}
