package apply

import (
	"context"
	"errors"
	"fmt"
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/structured-merge-diff/v6/typed"

	"github.com/ragservice/ragservice-operator/internal/desired"
)

// applyObject makes one object as it was rendered, and says whether it is.
func (p *pass) applyObject(ctx context.Context, o desired.Object) bool {
	return p.writeObject(ctx, o, func(verdict) bool { return true })
}

// writeObject gives one object what it needs, where that may be written.
func (p *pass) writeObject(ctx context.Context, o desired.Object, may func(verdict) bool) bool {
	r, err := render(o)
	if err != nil {
		p.fail(Ref{o.Component, o.GVK.Kind, o.Key.Name}, err)
		return false
	}
	v, err := p.judge(ctx, r)
	if err == nil && v.change != noChange && may(v) {
		err = p.send(ctx, r, v)
	}
	if !p.scheme.Recognizes(o.GVK) && isKindGone(err) {
		err = errors.Join(err, p.custom.Forget(ctx, o.GVK))
	}
	p.fail(r.ref(), err)
	return err == nil
}

// verdict says what an object needs.
type verdict struct {
	change change
	// version is the object's resourceVersion; empty when there is none.
	version string
}

func (p *pass) judge(ctx context.Context, r rendered) (verdict, error) {
	if !p.scheme.Recognizes(r.GroupVersionKind()) {
		if err := p.custom.Watch(ctx, r.GroupVersionKind()); err != nil {
			return verdict{}, fmt.Errorf("watching its kind: %w", err)
		}
	}
	cached, err := p.cached(ctx, r)
	if err != nil {
		return verdict{}, err
	}
	if cached == nil {
		return p.judgeUncached(ctx, r)
	}
	if err := p.checkOwner(cached); err != nil {
		return verdict{}, err
	}
	if p.showsEarlier(cached, r) {
		return verdict{}, nil
	}
	if !metav1.IsControlledBy(cached, p.rag) {
		if err := p.mayAdopt(ctx); err != nil {
			return verdict{}, err
		}
	}
	version := cached.GetResourceVersion()
	if cached.GetAnnotations()[AnnotationAppliedHash] != r.hash {
		return verdict{updated, version}, nil
	}
	same, err := p.asRendered(r, cached)
	if same || err != nil {
		return verdict{}, err
	}
	return verdict{drifted, version}, nil
}

// judgeUncached asks the API server about an object that the cache lacks. There may be none; it may be somebody else's;
// ours may have lost the labels that bring it into the cache; or it is new, and its event on its way.
func (p *pass) judgeUncached(ctx context.Context, r rendered) (verdict, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	var meta metav1.PartialObjectMetadata
	meta.SetGroupVersionKind(r.GroupVersionKind())
	if err := p.live.Get(ctx, r.key(), &meta); err != nil {
		if apierrors.IsNotFound(err) {
			return verdict{change: created}, nil
		}
		return verdict{}, fmt.Errorf("reading it: %w", err)
	}
	if err := p.checkOwner(&meta); err != nil {
		return verdict{}, err
	}
	if !metav1.IsControlledBy(&meta, p.rag) {
		if err := p.mayAdopt(ctx); err != nil {
			return verdict{}, err
		}
	}
	if maps.Equal(meta.Labels, r.GetLabels()) && meta.Annotations[AnnotationAppliedHash] == r.hash &&
		metav1.IsControlledBy(&meta, p.rag) {
		return verdict{}, nil
	}
	if meta.Annotations[AnnotationAppliedHash] != r.hash {
		return verdict{updated, meta.ResourceVersion}, nil
	}
	return verdict{drifted, meta.ResourceVersion}, nil
}

// cached is the object that r is about as the cache has it; nil when it has none.
func (p *pass) cached(ctx context.Context, r rendered) (client.Object, error) {
	object, err := p.newObject(r.GroupVersionKind())
	if err != nil {
		return nil, err
	}
	if err := p.client.Get(ctx, r.key(), object); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	return object, nil
}

// asRendered says whether object has every field of r with r's value. Values, keys and atomic lists compare as in the
// API server, by the schema; fields that r does not have are not ours to judge.
func (p *pass) asRendered(r rendered, object client.Object) (bool, error) {
	if u, ok := object.(*unstructured.Unstructured); ok {
		return p.asRenderedUntyped(r, u), nil
	}
	want, err := p.types.ObjectToTyped(r.Unstructured)
	if err != nil {
		return false, fmt.Errorf("typing what was rendered: %w", err)
	}
	restoreKinds(object, r.GroupVersionKind())
	got, err := p.types.ObjectToTyped(object, typed.AllowDuplicates)
	if err != nil {
		return false, fmt.Errorf("typing what the cache has: %w", err)
	}
	difference, err := got.Compare(want)
	if err != nil {
		return false, fmt.Errorf("comparing: %w", err)
	}
	return difference.Added.Empty() && difference.Modified.Empty(), nil
}

// restoreKinds writes what a typed read leaves out, and what r has: the kind of the object, and of templates in it.
func restoreKinds(object client.Object, kind schema.GroupVersionKind) {
	object.GetObjectKind().SetGroupVersionKind(kind)
	if set, ok := object.(*appsv1.StatefulSet); ok {
		for i := range set.Spec.VolumeClaimTemplates {
			set.Spec.VolumeClaimTemplates[i].SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("PersistentVolumeClaim"))
		}
	}
}

// send applies r. A change is noted only when it was one: what the API server or a webhook turns back at once would
// else be told as a change each time.
func (p *pass) send(ctx context.Context, r rendered, v verdict) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	answer, err := p.apply(ctx, r)
	if apierrors.IsInvalid(err) && v.version != "" {
		answer, err = p.overwrite(ctx, r, v, err)
	}
	if err != nil {
		return err
	}
	p.remember(answer, r)
	if answer.GetResourceVersion() != v.version {
		p.note(v.change, r.ref())
	}
	return nil
}

func (p *pass) apply(ctx context.Context, r rendered) (*unstructured.Unstructured, error) {
	answer := r.DeepCopy()
	return answer, p.client.Apply(ctx, client.ApplyConfigurationFromUnstructured(answer), FieldOwner, client.ForceOwnership)
}
