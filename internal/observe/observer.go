// Package observe reads what became of what was written: the children of a RAGService from the cache, and the servers
// from their admin ports. The servers are polled in a worker pool of its own, outside the reconcile queue. What it finds
// is a status.Observed.
package observe

import (
	"context"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/internal/status"
)

// Observer reads the children of RAGServices.
type Observer struct {
	// Reader is the manager's cache. Pods in it are as TrimPod leaves them, ReplicaSets are metadata.
	Reader client.Reader
	// Live reads past the cache: events about what is stuck, and a volume claim of somebody else. nil reads neither.
	Live client.Reader
	// Poller knows what servers say.
	Poller *Poller
	// Now is the clock.
	Now func() time.Time

	stuck stuck
}

// Observe says what s means for a status. All of it comes from memory, but for events about what is stuck.
func (o *Observer) Observe(ctx context.Context, s *Snapshot) (status.Observed, error) {
	now := o.Now()
	seen := status.Observed{
		Workloads:     s.workloads(),
		ReusedVolumes: s.reusedVolumes(),
		Snapshots:     s.schedule,
		Poll:          o.Poller.Latest(client.ObjectKeyFromObject(s.service), s.service.UID),
	}
	seen.Diagnostics, seen.RecheckAfter = diagnose(s.pods, now)
	i := &inspection{stuck: &o.stuck, live: o.Live, snapshot: s, now: now, recheck: seen.RecheckAfter}
	if err := i.refusals(ctx, seen.Workloads); err != nil {
		return status.Observed{}, err
	}
	var err error
	if seen.Diagnostics, err = i.volumes(ctx, seen.Diagnostics); err != nil {
		return status.Observed{}, err
	}
	var left time.Duration
	seen.Scaling, left = s.scaling(now)
	i.lookAgain(left)
	if seen.SnapshotClaimMissing = s.noSnapshotClaim; s.noSnapshotClaim {
		i.lookAgain(stuckInterval)
	}
	seen.RecheckAfter = i.recheck
	return seen, nil
}
