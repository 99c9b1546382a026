package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/apply"
	"github.com/ragservice/ragservice-operator/internal/observe"
	"github.com/ragservice/ragservice-operator/internal/status"
)

const (
	// statusTimeout bounds the write of a status. It is not tried again by itself: the pass is.
	statusTimeout = 10 * time.Second
	// conflictDelay is how long a pass waits for the cache after it was found to be behind.
	conflictDelay = 200 * time.Millisecond
	// stalledDelay is how long a pass waits that a person must help: what is in the way is not watched.
	stalledDelay = time.Minute
)

// conclude judges a pass, writes the status once, tells what has changed, and says when the next pass is due.
func (r *Reconciler) conclude(ctx context.Context, pass *status.Pass, changes apply.ChangeSet, passErr error) (ctrl.Result, error) {
	rag := pass.Service
	if apierrors.HasStatusCause(passErr, corev1.NamespaceTerminatingCause) {
		return ctrl.Result{}, nil // the RAGService is about to be deleted with its namespace: nothing is to be made or told
	}
	pass.Faults = faults(passErr)
	countChanges(changes)
	// What was written is told before the status, which may meet a conflict: the pass that follows finds nothing left to
	// repair, and would tell of none. Events of transitions wait for the status, since they would be found again.
	r.tellChanges(rag, changes)

	verdict := status.Evaluate(*pass)
	numbers := !equality.Semantic.DeepEqual(rag.Status.Cache, verdict.Status.Cache)
	if err := r.writeStatus(ctx, rag, verdict.Status); err != nil {
		return againSoon(errors.Join(passErr, fmt.Errorf("writing the status: %w", err)))
	}
	r.ledger.saw(rag, pass.Now, numbers)
	r.tell(rag, verdict.Events)
	showConditions(rag)
	r.poller.Follow(client.ObjectKeyFromObject(rag), observe.Followed{
		UID: rag.UID, Hurry: isPropagating(rag), Shown: rag.Status.Cache,
	})
	return next(ctx, pass, verdict, passErr)
}

// writeStatus patches the status if it differs. The patch holds for the version that was judged: a pass that judged
// what the cache had not caught up with is made again, and tells nothing twice.
func (r *Reconciler) writeStatus(ctx context.Context, rag *v1alpha1.RAGService, to v1alpha1.RAGServiceStatus) error {
	if equality.Semantic.DeepEqual(rag.Status, to) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	before := rag.DeepCopy()
	rag.Status = to
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := r.client.Status().Patch(ctx, rag, patch); err != nil {
		return client.IgnoreNotFound(err) // one that is gone needs no status
	}
	statusWrites.Inc()
	return nil
}

// next says when the next pass is due. A fault that time may mend is returned, so that the queue backs off; one that
// waits for a person is logged here and looked at again later.
func next(ctx context.Context, pass *status.Pass, verdict status.Verdict, passErr error) (ctrl.Result, error) {
	stalled := false
	for _, f := range pass.Faults {
		if !f.Terminal() {
			return ctrl.Result{}, passErr
		}
		stalled = true
	}
	after := verdict.RecheckAfter
	if stalled {
		logf.FromContext(ctx).Error(passErr, "waiting for a person")
		if after == 0 || after > stalledDelay {
			after = stalledDelay
		}
	}
	return ctrl.Result{RequeueAfter: after}, nil
}

// againSoon is for a write that may only have met a newer version than the cache knew.
func againSoon(err error) (ctrl.Result, error) {
	if apierrors.IsConflict(err) {
		return ctrl.Result{RequeueAfter: conflictDelay}, nil
	}
	return ctrl.Result{}, err
}

func isPropagating(rag *v1alpha1.RAGService) bool {
	c := meta.FindStatusCondition(rag.Status.Conditions, v1alpha1.ConditionConfigApplied)
	return c != nil && c.Reason == v1alpha1.ReasonPropagating
}
