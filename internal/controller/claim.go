package controller

import (
	"context"
	"fmt"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/status"
)

const (
	// foreignDelay is how long it takes to notice that the operator of a RAGService has gone.
	foreignDelay = time.Minute
	// clockSkew is how far the clocks of two operators may be apart: so much longer a lease counts.
	clockSkew = time.Minute
	// leaseTimeout bounds the read of a lease.
	leaseTimeout = 10 * time.Second
)

// claim says whether this operator is the one that works on rag, and makes it that where no other does: status.operator is
// written for the version that was read, so that of two operators one wins. A new RAGService gets its first status with it.
func (r *Reconciler) claim(ctx context.Context, rag *v1alpha1.RAGService) (bool, error) {
	if other := rag.Status.Operator; other != "" && other != r.operator.ID {
		holds, err := r.holdsLease(ctx, other)
		if err != nil {
			return false, fmt.Errorf("looking whether the operator %s still works on the RAGService: %w", other, err)
		}
		if holds {
			r.leaveAlone(ctx, rag, other)
			return false, nil
		}
		logf.FromContext(ctx).Info("taking the RAGService over: its operator does not hold its lease any more", "operator", other)
	}
	r.memory.recordOperator(rag, "")
	to := *rag.Status.DeepCopy()
	if len(to.Conditions) == 0 {
		to = status.Evaluate(status.Pass{Service: rag, Now: r.now()}).Status
	}
	if err := r.writeStatus(ctx, rag, to); err != nil {
		return false, fmt.Errorf("claiming the RAGService in its status: %w", err)
	}
	return true, nil
}

// leaveAlone tells once that another operator works on rag. It says so in an event and the log: the status is the other's.
func (r *Reconciler) leaveAlone(ctx context.Context, rag *v1alpha1.RAGService, other string) {
	key := client.ObjectKeyFromObject(rag)
	r.poller.Forget(key)
	r.notifier.Forget(key)
	forgetService(key)
	if !r.memory.recordOperator(rag, other) {
		return
	}
	logf.FromContext(ctx).Info("another operator works on the RAGService", "operator", other)
	r.recorder.Eventf(rag, nil, corev1.EventTypeWarning, v1alpha1.EventForeignOperator, "Claim",
		"the operator %s works on it, so %s leaves it alone; give them different namespaces, or uninstall one", other, r.operator.ID)
}

// holdsLease says whether an operator holds its lease. One whose lease may not be read is taken for one that does.
func (r *Reconciler) holdsLease(ctx context.Context, id string) (bool, error) {
	namespace, name, ok := strings.Cut(id, ".")
	if !ok {
		return false, nil // it runs outside of the cluster, without a lease
	}
	ctx, cancel := context.WithTimeout(ctx, leaseTimeout)
	defer cancel()
	var lease coordinationv1.Lease
	err := r.live.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, &lease)
	switch {
	case apierrors.IsNotFound(err):
		return false, nil
	case apierrors.IsForbidden(err):
		return true, nil
	case err != nil:
		return false, err
	}
	held := lease.Spec.HolderIdentity != nil && *lease.Spec.HolderIdentity != ""
	if !held || lease.Spec.RenewTime == nil || lease.Spec.LeaseDurationSeconds == nil {
		return false, nil
	}
	ends := lease.Spec.RenewTime.Add(time.Duration(*lease.Spec.LeaseDurationSeconds)*time.Second + clockSkew)
	return r.now().Before(ends), nil
}
