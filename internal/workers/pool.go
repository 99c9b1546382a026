// Package workers works on RAGServices beside the reconcile queue, which requeues for what is only waited for would starve.
//
//	Queue ─> Work, on so many at once ─> Tell ─> Source ─> reconcile queue
package workers

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

// Pool has a queue of RAGServices and a way to the controller's.
type Pool struct {
	Queue workqueue.TypedDelayingInterface[types.NamespacedName]
	// Changes are the services of Tell, which Source hands on.
	Changes chan event.GenericEvent
	size    int
}

// New returns a Pool that works on size services at once.
func New(size int) *Pool {
	return &Pool{
		Queue: workqueue.NewTypedDelayingQueue[types.NamespacedName](), Changes: make(chan event.GenericEvent), size: size,
	}
}

// Source tells the controller of services whose status would change.
func (p *Pool) Source() source.Source {
	return source.Channel(p.Changes, &handler.EnqueueRequestForObject{})
}

// NeedLeaderElection says that only the leader works.
func (p *Pool) NeedLeaderElection() bool { return true }

// Work does what is to be done with each service of the queue, until ctx ends. No two do so with the same one at once.
func (p *Pool) Work(ctx context.Context, do func(context.Context, types.NamespacedName)) {
	var workers sync.WaitGroup
	for range p.size {
		workers.Go(func() {
			for {
				key, ended := p.Queue.Get()
				if ended {
					return
				}
				do(ctx, key)
				p.Queue.Done(key)
			}
		})
	}
	<-ctx.Done()
	p.Queue.ShutDown()
	workers.Wait()
}

// Tell brings a service into the queue of the controller, unless ctx ends.
func (p *Pool) Tell(ctx context.Context, key types.NamespacedName) {
	object := &v1alpha1.RAGService{}
	object.Namespace, object.Name = key.Namespace, key.Name
	select {
	case p.Changes <- event.GenericEvent{Object: object}:
	case <-ctx.Done():
	}
}
