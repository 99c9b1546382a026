package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
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
	// staleDelay is how long a pass waits for the cache after it was found to be behind. A pass that only met conflicts
	// waits as long, and twice as long each time that the next one meets them too, up to lastRetry.
	staleDelay = 200 * time.Millisecond
	// stalledDelay is how long a pass waits that a person must help: what is in the way is not watched.
	stalledDelay = time.Minute
	// turnDelay is how long a service waits before it asks again for its turn to have pods replaced.
	turnDelay = 10 * time.Second
)

// finish judges a pass, writes the status once, tells what has changed, and says when the next pass is due.
func (r *Reconciler) finish(ctx context.Context, pass *status.Pass, made apply.ChangeSet, passErr error) (ctrl.Result, error) {
	rag := pass.Service
	if namespaceTerminates(passErr) {
		return ctrl.Result{}, nil // the RAGService is about to be deleted with its namespace: nothing is to be made or told
	}
	pass.Faults = faults(passErr)
	changes := r.sortChanges(rag, made)
	countChanges(changes)
	countFailures(passErr)
	logChanges(ctx, changes)
	// What was written is told before the status, which may meet a conflict: the pass that follows finds nothing left to
	// repair, and would tell of none. Events of transitions wait for the status, since they would be found again.
	r.recordChanges(rag, changes)

	verdict := status.Evaluate(*pass)
	numbers := status.NumbersDiffer(&rag.Status, &verdict.Status)
	if err := r.writeStatus(ctx, rag, verdict.Status); err != nil {
		return r.retry(ctx, rag, errors.Join(passErr, fmt.Errorf("writing the status: %w", err)))
	}
	r.memory.recordPass(rag, pass.Now, numbers, isComplete(pass))
	r.recordEvents(rag, verdict.Events)
	showService(rag, verdict.Rolling)
	r.poller.Follow(client.ObjectKeyFromObject(rag), observe.Followed{
		UID: rag.UID, Hurry: isPropagating(rag), Service: rag,
	})
	r.notifier.Follow(rag)
	if onlyConflicts(passErr) {
		return r.retry(ctx, rag, passErr)
	}
	r.conflicts.Forget(client.ObjectKeyFromObject(rag))
	return next(ctx, pass, verdict, passErr)
}

// writeStatus patches the status if it differs. The patch holds for the version that was judged: a pass that judged
// what the cache had not caught up with is made again, and tells nothing twice. The context is the write's own: a pass
// that ran out of time still says so.
func (r *Reconciler) writeStatus(ctx context.Context, rag *v1alpha1.RAGService, to v1alpha1.RAGServiceStatus) error {
	to.Operator = r.operator.ID
	if equality.Semantic.DeepEqual(rag.Status, to) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), statusTimeout)
	defer cancel()
	before := rag.DeepCopy()
	rag.Status = to
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := r.client.Status().Patch(ctx, rag, patch); err != nil {
		return client.IgnoreNotFound(err) // one that is gone needs no status
	}
	statusWrites.Inc()
	r.memory.recordStatusWrite(rag, r.now())
	return nil
}

// next says when the next pass is due. A fault that time may mend is returned, so that the queue backs off; one that
// waits for a person is logged here and looked at again later.
func next(ctx context.Context, pass *status.Pass, verdict status.Verdict, passErr error) (ctrl.Result, error) {
	if _, queued := errors.AsType[*queuedError](passErr); queued {
		logf.FromContext(ctx).V(1).Info(passErr.Error())
		return ctrl.Result{RequeueAfter: turnDelay}, nil
	}
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

// retry makes the pass again. Conflicts are expected: they are no error in the log, and wait less than a failure.
func (r *Reconciler) retry(ctx context.Context, rag *v1alpha1.RAGService, err error) (ctrl.Result, error) {
	if !onlyConflicts(err) {
		return ctrl.Result{}, err
	}
	after := r.conflicts.When(client.ObjectKeyFromObject(rag))
	logf.FromContext(ctx).V(1).Info("the cache is behind", "conflicts", err.Error(), "retryAfter", after)
	return ctrl.Result{RequeueAfter: after}, nil
}

// isReadyAsObserved says that the spec as it is was brought about, and is Ready.
func isReadyAsObserved(rag *v1alpha1.RAGService) bool {
	observed := rag.Status.ObservedGeneration
	return observed != nil && *observed == rag.Generation && meta.IsStatusConditionTrue(rag.Status.Conditions, v1alpha1.ConditionReady)
}

func isPropagating(rag *v1alpha1.RAGService) bool {
	c := meta.FindStatusCondition(rag.Status.Conditions, v1alpha1.ConditionConfigApplied)
	return c != nil && c.Reason == v1alpha1.ReasonPropagating
}
