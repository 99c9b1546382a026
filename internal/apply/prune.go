package apply

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"github.com/ragservice/ragservice-operator/internal/desired"
)

// prune deletes the objects of ours that are not among wanted. An object is ours as checkOwner says; labels only
// narrow the search. What belongs to a component that is held, or stays, is not deleted.
func (p *pass) prune(ctx context.Context, wanted []desired.Object) {
	keep := map[identity]bool{}
	for _, o := range wanted {
		keep[identity{o.GVK.GroupKind(), o.Key.Name}] = true
	}
	kinds := p.custom.Watched()
	for _, empty := range Kinds() {
		gvk, err := apiutil.GVKForObject(empty, p.scheme)
		if err != nil {
			p.fail(Ref{}, err)
			continue
		}
		kinds = append(kinds, gvk)
	}
	for _, gvk := range kinds {
		if err := p.pruneKind(ctx, gvk, keep); err != nil {
			p.fail(Ref{Kind: gvk.Kind}, fmt.Errorf("looking for what is no longer wanted: %w", err))
		}
	}
}

// identity is what an object is found by in its namespace.
type identity struct {
	kind schema.GroupKind
	name string
}

func (p *pass) pruneKind(ctx context.Context, gvk schema.GroupVersionKind, keep map[identity]bool) error {
	list, err := p.newList(gvk)
	if err != nil {
		return err
	}
	err = p.client.List(ctx, list, client.InNamespace(p.rag.Namespace), client.MatchingLabels{
		desired.LabelInstance: p.rag.Name, desired.LabelManagedBy: desired.ManagedBy,
	})
	if err != nil {
		return err
	}
	return meta.EachListItem(list, func(item runtime.Object) error {
		object := item.(client.Object) //nolint:forcetypeassert // items of typed lists have metadata
		ref := Ref{desired.Component(object.GetLabels()[desired.LabelComponent]), gvk.Kind, object.GetName()}
		unwanted := p.checkOwner(object) == nil && !keep[identity{gvk.GroupKind(), ref.Name}] &&
			!p.mayBeHeld(ref.Component) && object.GetDeletionTimestamp() == nil
		if unwanted {
			p.fail(ref, p.delete(ctx, ref, object))
		}
		return nil
	})
}

// mayBeHeld holds for an object without a component's label too, while anything is held.
func (p *pass) mayBeHeld(c desired.Component) bool {
	return slices.Contains(p.held, c) || slices.Contains(p.staying, c) || c == "" && len(p.held) > 0
}

// delete removes the object that the cache has and no other of its name or state. Its pods go by the garbage collector.
func (p *pass) delete(ctx context.Context, ref Ref, object client.Object) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	uid, version := object.GetUID(), object.GetResourceVersion()
	err := p.client.Delete(ctx, object,
		client.Preconditions{UID: &uid, ResourceVersion: &version},
		client.PropagationPolicy(metav1.DeletePropagationBackground))
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err == nil {
		p.changes.Deleted = append(p.changes.Deleted, ref)
	}
	return err
}
