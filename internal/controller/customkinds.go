package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

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

// watchTimeout bounds the first read of all objects of a custom kind.
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

	mu sync.Mutex
	// watched are the kinds that are, asked those that were looked for, absent those that the API server did not serve when it was asked last.
	watched, asked, absent []schema.GroupVersionKind
}

func newCustomKinds(mgr manager.Manager) *customKinds {
	return &customKinds{
		cache: mgr.GetCache(), scheme: mgr.GetScheme(), mapper: mgr.GetRESTMapper(), appeared: make(chan event.GenericEvent),
	}
}

// kindsAgain is when to look again for kinds that the API server does not serve: nothing tells when it begins to.
const kindsAgain = time.Minute

// Start looks again and again for absent kinds until ctx ends. A pass asks for none that services can do without: each of a thousand would.
func (k *customKinds) Start(ctx context.Context) error {
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		if !k.lookAgain() {
			return
		}
		var all v1alpha1.RAGServiceList
		if err := k.cache.List(ctx, &all); err != nil {
			ctrl.LoggerFrom(ctx).Error(err, "listing RAGServices for a kind that is there now")
			return
		}
		for i := range all.Items {
			select {
			case k.appeared <- event.GenericEvent{Object: &all.Items[i]}:
			case <-ctx.Done():
				return
			}
		}
	}, kindsAgain)
	return nil
}

// lookAgain says that a kind is there now that was not.
func (k *customKinds) lookAgain() bool {
	k.mu.Lock()
	absent := slices.Clone(k.absent)
	k.mu.Unlock()
	still := slices.DeleteFunc(absent, func(kind schema.GroupVersionKind) bool {
		_, err := k.mapper.RESTMapping(kind.GroupKind(), kind.Version)
		return err == nil
	})
	k.mu.Lock()
	defer k.mu.Unlock()
	found := len(still) < len(k.absent)
	k.absent = still
	return found
}

// Watched are the kinds that the cache holds.
func (k *customKinds) Watched() []schema.GroupVersionKind {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.watched)
}

// Watch begins to watch a kind; from the second time on it costs nothing. A kind that the API server does not serve is asked for
// again each time, since its definition may have been installed meanwhile.
func (k *customKinds) Watch(ctx context.Context, kind schema.GroupVersionKind) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if slices.Contains(k.watched, kind) {
		return nil
	}
	if _, err := k.mapper.RESTMapping(kind.GroupKind(), kind.Version); err != nil {
		return fmt.Errorf("asking for the kind: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(kind)
	if _, err := k.cache.GetInformer(ctx, object); err != nil {
		return err
	}
	owner := handler.TypedEnqueueRequestForOwner[client.Object](k.scheme, k.mapper, &v1alpha1.RAGService{}, handler.OnlyControllerOwner())
	if err := k.controller.Watch(source.Kind[client.Object](k.cache, object, owner, childChanged())); err != nil {
		return err
	}
	k.watched = append(k.watched, kind)
	return nil
}

// served are the kinds that the API server serves and rag may have objects of. One that rag does not ask for is looked for once.
func (k *customKinds) served(ctx context.Context, rag *v1alpha1.RAGService) ([]schema.GroupVersionKind, error) {
	var served []schema.GroupVersionKind
	for _, kind := range desired.CustomKinds() {
		needed := desired.NeedsKind(rag, kind)
		if k.isAbsent(kind) || !k.firstTime(kind) && !needed && !slices.Contains(k.Watched(), kind) {
			continue
		}
		err := k.Watch(ctx, kind)
		_, absent := errors.AsType[*meta.NoKindMatchError](err)
		switch {
		case err == nil:
			served = append(served, kind)
		case absent && desired.CanDoWithout(kind):
			k.noteAbsent(kind)
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

func (k *customKinds) noteAbsent(kind schema.GroupVersionKind) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !slices.Contains(k.absent, kind) {
		k.absent = append(k.absent, kind)
	}
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
