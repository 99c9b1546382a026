package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// watchTimeout is as long as the first read of all objects of a custom kind may take.
const watchTimeout = 10 * time.Second

// customKinds watches kinds of custom resource definitions from when a plan first holds one. The cache then holds those that carry
// our labels. The first pass after a start looks for all of them: what an operator before left behind of a kind, and no plan holds any
// more, has to be seen to be deleted.
type customKinds struct {
	cache  cache.Cache
	scheme *runtime.Scheme
	mapper meta.RESTMapper
	// controller has its queue filled.
	controller controller.Controller

	// appeared has all RAGServices looked at when a kind is there that they can do without.
	appeared chan event.GenericEvent

	// timeout bounds the first read of all objects of a kind.
	timeout time.Duration
	// begun are the watches that are being begun.
	begun singleflight.Group

	mu sync.Mutex
	// watched are the kinds that are, asked those that were looked for, absent those that could not be watched when that was tried last.
	watched, asked, absent []schema.GroupVersionKind
}

func newCustomKinds(mgr manager.Manager) *customKinds {
	return &customKinds{
		cache: mgr.GetCache(), scheme: mgr.GetScheme(), mapper: mgr.GetRESTMapper(), appeared: make(chan event.GenericEvent),
		timeout: watchTimeout,
	}
}

// kindsAgain is when to look again for kinds that the API server does not serve: nothing tells when it begins to.
const kindsAgain = time.Minute

// Start looks again and again for absent kinds until ctx ends. A pass asks for none that services can do without: each of a thousand would.
func (k *customKinds) Start(ctx context.Context) error {
	untold := false
	wait.UntilWithContext(ctx, func(ctx context.Context) { untold = k.look(ctx, untold) }, kindsAgain)
	return nil
}

// look looks once for absent kinds, and has all RAGServices looked at when one is there, or was there before and they are untold. It says whether
// they still are.
func (k *customKinds) look(ctx context.Context, untold bool) bool {
	if !k.lookAgain(ctx) && !untold {
		return false
	}
	var all v1alpha1.RAGServiceList
	if err := k.cache.List(ctx, &all); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "listing RAGServices for a kind that is there now")
		return true
	}
	for i := range all.Items {
		select {
		case k.appeared <- event.GenericEvent{Object: &all.Items[i]}:
		case <-ctx.Done():
			return true
		}
	}
	return false
}

// lookAgain begins to watch the absent kinds that are there now, and says whether there are any.
func (k *customKinds) lookAgain(ctx context.Context) (found bool) {
	k.mu.Lock()
	absent := slices.Clone(k.absent)
	k.mu.Unlock()
	for _, kind := range absent {
		found = k.Watch(ctx, kind) == nil || found
	}
	return found
}

// Watched are the kinds that the cache holds.
func (k *customKinds) Watched() []schema.GroupVersionKind {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.watched)
}

func (k *customKinds) isWatched(kind schema.GroupVersionKind) bool {
	return slices.Contains(k.Watched(), kind)
}

// Watch begins to watch a kind; from the second time on it costs nothing. A kind that the API server does not serve is asked for
// again each time, since its definition may have been installed meanwhile. Those who ask for the same kind at once wait for one answer.
func (k *customKinds) Watch(ctx context.Context, kind schema.GroupVersionKind) error {
	if k.isWatched(kind) {
		return nil
	}
	_, err, _ := k.begun.Do(kind.String(), func() (any, error) { return nil, k.begin(ctx, kind) })
	return err
}

func (k *customKinds) begin(ctx context.Context, kind schema.GroupVersionKind) error {
	if k.isWatched(kind) {
		return nil // another one has just begun
	}
	if _, err := k.mapper.RESTMapping(kind.GroupKind(), kind.Version); err != nil {
		return fmt.Errorf("asking for the kind: %w", err)
	}
	object := objectOf(kind)
	bounded, cancel := context.WithTimeout(ctx, k.timeout)
	defer cancel()
	if _, err := k.cache.GetInformer(bounded, object); err != nil {
		return errors.Join(err, k.cache.RemoveInformer(ctx, object)) // it would go on by itself
	}
	owner := handler.TypedEnqueueRequestForOwner[client.Object](k.scheme, k.mapper, &v1alpha1.RAGService{}, handler.OnlyControllerOwner())
	if err := k.controller.Watch(source.Kind[client.Object](k.cache, object, owner, childChanged())); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.watched = append(k.watched, kind)
	k.absent = without(k.absent, kind)
	return nil
}

// Forget ends the watch of a kind that services can do without: its definition was removed.
func (k *customKinds) Forget(ctx context.Context, kind schema.GroupVersionKind) error {
	if !desired.CanDoWithout(kind) {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !slices.Contains(k.watched, kind) {
		return nil
	}
	k.watched, k.absent = without(k.watched, kind), append(k.absent, kind)
	return k.cache.RemoveInformer(ctx, objectOf(kind))
}

func objectOf(kind schema.GroupVersionKind) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(kind)
	return object
}

func without(kinds []schema.GroupVersionKind, kind schema.GroupVersionKind) []schema.GroupVersionKind {
	return slices.DeleteFunc(kinds, func(other schema.GroupVersionKind) bool { return other == kind })
}

// served are the kinds that the API server serves and rag may have objects of. One that rag does not ask for is looked for once. One that it can
// do without counts as absent, whatever keeps it from being watched.
func (k *customKinds) served(ctx context.Context, rag *v1alpha1.RAGService) ([]schema.GroupVersionKind, error) {
	var served []schema.GroupVersionKind
	for _, kind := range desired.CustomKinds() {
		needed := desired.NeedsKind(rag, kind)
		if k.isAbsent(kind) || !k.firstTime(kind) && !needed && !k.isWatched(kind) {
			continue
		}
		err := k.Watch(ctx, kind)
		_, absent := errors.AsType[*meta.NoKindMatchError](err)
		switch {
		case err == nil:
			served = append(served, kind)
		case desired.CanDoWithout(kind):
			if k.noteAbsent(kind) && !absent {
				ctrl.LoggerFrom(ctx).Error(err, "services do without a kind that cannot be watched; it is tried again every minute", "kind", kind.Kind)
			}
		case needed && !absent:
			return nil, fmt.Errorf("looking for %s: %w", kind.Kind, err)
		}
	}
	return served, nil
}

func (k *customKinds) isAbsent(kind schema.GroupVersionKind) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Contains(k.absent, kind)
}

// noteAbsent says whether that is new.
func (k *customKinds) noteAbsent(kind schema.GroupVersionKind) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if slices.Contains(k.absent, kind) || slices.Contains(k.watched, kind) {
		return false
	}
	k.absent = append(k.absent, kind)
	return true
}

// firstTime holds once for each kind.
func (k *customKinds) firstTime(kind schema.GroupVersionKind) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if slices.Contains(k.asked, kind) {
		return false
	}
	k.asked = append(k.asked, kind)
	return true
}
