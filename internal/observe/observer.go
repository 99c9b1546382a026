// Package observe reads what became of what was written: the children of a RAGService from the cache, and the servers
// from their admin ports. The servers are polled in a worker pool of its own, outside the reconcile queue. What it finds
// is a value of package observed.
package observe

import (
	"context"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/observe/observed"
)

// Observer reads the children of RAGServices.
type Observer struct {
	// Reader is the manager's cache. Pods in it are as TrimPod leaves them, ReplicaSets are metadata.
	Reader client.Reader
	// Poller knows what servers say.
	Poller *Poller
	// Now is the clock.
	Now func() time.Time

	stuck stuck
}

// ReadEvents has o read events about what is stuck from live, past the cache.
func (o *Observer) ReadEvents(live client.Reader) { o.stuck.events = live }

// Observe reads what became of the children of rag. Everything comes from the cache and from memory, but for
// events about what is stuck.
func (o *Observer) Observe(ctx context.Context, rag *v1alpha1.RAGService) (observed.Observed, error) {
	controllers, err := o.controllers(ctx, rag)
	if err != nil {
		return observed.Observed{}, fmt.Errorf("reading workloads: %w", err)
	}
	pods, err := o.pods(ctx, rag, controllers)
	if err != nil {
		return observed.Observed{}, fmt.Errorf("reading pods: %w", err)
	}
	reused, err := o.reusedVolume(ctx, rag)
	if err != nil {
		return observed.Observed{}, fmt.Errorf("reading volumes: %w", err)
	}
	noteReadySince(controllers.workloads, pods)
	seen := observed.Observed{
		Workloads:    controllers.workloads,
		ReusedVolume: reused,
		Poll:         o.Poller.Latest(client.ObjectKeyFromObject(rag), rag.UID),
	}
	now := o.Now()
	seen.Diagnostics, seen.RecheckAfter = diagnose(pods, now)
	i := &inspection{stuck: &o.stuck, reader: o.Reader, namespace: rag.Namespace, service: rag.Name, now: now, recheck: seen.RecheckAfter}
	if err := i.refusals(ctx, controllers); err != nil {
		return observed.Observed{}, err
	}
	if seen.Diagnostics, err = i.volumes(ctx, pods, seen.Diagnostics); err != nil {
		return observed.Observed{}, err
	}
	seen.RecheckAfter = i.recheck
	return seen, nil
}
