package controller

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/workqueue"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/apply"
)

const (
	controllerName = "ragservice-operator"
	// concurrentPasses is how many RAGServices are reconciled at once. A pass waits for the API server most of the time;
	// a first one makes some fifty requests, so this is about what a small control plane answers without queueing.
	concurrentPasses = 8
	// passTimeout bounds a pass: fifty requests of 10 s would never end on an API server that hangs.
	passTimeout = 2 * time.Minute
	// A pass that failed is made again after 1 s, 2 s, 4 s, up to 1 min.
	firstRetry, lastRetry = time.Second, time.Minute
)

// SetupWithManager starts r with mgr, with a watch on all that a pass depends on.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr manager.Manager) error {
	if err := mgr.GetFieldIndexer().IndexField(ctx, &v1alpha1.RAGService{}, secretsIndex, secretsOf); err != nil {
		return fmt.Errorf("indexing RAGServices by Secret: %w", err)
	}
	b := ctrl.NewControllerManagedBy(mgr).
		Named(controllerName).
		For(&v1alpha1.RAGService{}, builder.WithPredicates(specChanged()))
	for _, kind := range apply.Kinds() {
		b = b.Owns(kind, builder.WithPredicates(childChanged()))
	}
	c, err := b.
		Watches(&corev1.Pod{}, serviceByLabel(), builder.WithPredicates(podChanged())).
		Watches(&corev1.PersistentVolumeClaim{}, serviceByLabel(), builder.WithPredicates(claimChanged())).
		// A pod counts only when its ReplicaSet is known, which may come after it.
		WatchesMetadata(&appsv1.ReplicaSet{}, serviceByLabel(), builder.WithPredicates(onlyNew())).
		WatchesMetadata(&corev1.Secret{}, usersOfSecret(mgr.GetCache())).
		WatchesRawSource(r.poller.Source()).
		WatchesRawSource(r.notifier.Source()).
		WatchesRawSource(source.Channel(r.custom.appeared, &handler.EnqueueRequestForObject{})).
		WithOptions(controller.Options{
			MaxConcurrentReconciles: concurrentPasses,
			ReconciliationTimeout:   passTimeout,
			EnableWarmup:            new(true), // a replica that waits for its turn has its caches filled
			RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstRetry, lastRetry),
		}).
		Build(r)
	if err != nil {
		return fmt.Errorf("setting up the controller: %w", err)
	}
	r.custom.controller = c
	return mgr.Add(r.custom)
}
