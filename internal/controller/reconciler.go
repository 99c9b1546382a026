package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/apply"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/notify"
	"github.com/ragservice/ragservice-operator/internal/observe"
	"github.com/ragservice/ragservice-operator/internal/secrets"
	"github.com/ragservice/ragservice-operator/internal/status"
)

// Reconciler brings RAGServices about. It may be used by several goroutines.
type Reconciler struct {
	client   client.Client
	live     client.Reader
	operator desired.OperatorOptions
	secrets  *secrets.Reader
	custom   *customKinds
	applier  *apply.Applier
	observer *observe.Observer
	poller   *observe.Poller
	notifier *notify.Notifier
	recorder events.EventRecorder
	memory   *memory
	rolls    *rolls
	// conflicts says how long a pass waits after conflicts.
	conflicts workqueue.TypedRateLimiter[types.NamespacedName]
	now       func() time.Time
}

// Options are what an operator is started with.
type Options struct {
	Operator desired.OperatorOptions
	// MaxConcurrentRolls is how many RAGServices may have pods replaced at once that their users did not ask for; 0 for any number.
	MaxConcurrentRolls int
	// Poller asks the servers; it has to be added to the manager too. Its reader is the manager's cache.
	Poller *observe.Poller
	// Notifier tells receivers of alerts; it has to be added to the manager too.
	Notifier *notify.Notifier
}

// New returns a Reconciler on the clients of mgr, whose cache has to be as CacheOptions says.
func New(mgr manager.Manager, o Options) *Reconciler {
	custom := newCustomKinds(mgr)
	observer := &observe.Observer{Reader: mgr.GetCache(), Live: mgr.GetAPIReader(), Poller: o.Poller, Now: time.Now}
	return &Reconciler{
		client:    mgr.GetClient(),
		live:      mgr.GetAPIReader(),
		operator:  o.Operator,
		secrets:   secrets.NewReader(mgr.GetCache(), mgr.GetAPIReader(), time.Now),
		custom:    custom,
		applier:   apply.New(mgr.GetClient(), mgr.GetAPIReader(), custom, o.Poller),
		observer:  observer,
		poller:    o.Poller,
		notifier:  o.Notifier,
		recorder:  mgr.GetEventRecorder(controllerName),
		memory:    newMemory(),
		rolls:     newRolls(o.MaxConcurrentRolls),
		conflicts: workqueue.NewTypedItemExponentialFailureRateLimiter[types.NamespacedName](staleDelay, lastRetry),
		now:       time.Now,
	}
}

// Reconcile makes one pass over one RAGService.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (result ctrl.Result, err error) {
	rag := &v1alpha1.RAGService{}
	if err := r.client.Get(ctx, request.NamespacedName, rag); err != nil {
		if apierrors.IsNotFound(err) {
			return ctrl.Result{}, r.reconcileDelete(ctx, request.NamespacedName)
		}
		return ctrl.Result{}, fmt.Errorf("reading the RAGService: %w", err)
	}
	if r.memory.isStale(rag, r.now()) {
		return ctrl.Result{RequeueAfter: staleDelay}, nil
	}
	if claimed, err := r.claim(ctx, rag); err != nil {
		return r.retry(ctx, rag, err)
	} else if !claimed {
		return ctrl.Result{RequeueAfter: foreignDelay}, nil
	}

	pass := &status.Pass{Service: rag, Now: r.now(), NumbersWritten: r.memory.numbersWritten(rag), Deliveries: r.notifier.Latest(rag)}
	var changes apply.ChangeSet
	defer func() { result, err = r.finish(ctx, pass, changes, err) }()
	if !rag.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil // the garbage collector is at work on the children
	}
	snapshot, err := r.observer.Read(ctx, rag)
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("reading what exists: %w", err)
	}
	changes, err = r.reconcileChildren(ctx, pass, snapshot)
	observed, observeErr := r.observer.Observe(ctx, snapshot)
	if observeErr == nil {
		pass.Observed = &observed
	}
	return ctrl.Result{}, errors.Join(err, observeErr)
}

// reconcileChildren goes from the spec, and the children as they are, to the children as they shall be. It notes in pass how far
// it came.
func (r *Reconciler) reconcileChildren(ctx context.Context, pass *status.Pass, snapshot *observe.Snapshot) (apply.ChangeSet, error) {
	suspended := ptr.Deref(pass.Service.Spec.Suspend, false)
	if suspended {
		r.rolls.leave(client.ObjectKeyFromObject(pass.Service))
		pass.State = snapshot.Written()
	}
	facts, err := r.secrets.Read(ctx, pass.Service)
	if err != nil {
		return apply.ChangeSet{}, fmt.Errorf("reading what the RAGService refers to: %w", err)
	}
	pass.Secrets = &facts
	if suspended {
		return apply.ChangeSet{}, nil
	}
	served, err := r.custom.served(ctx, pass.Service)
	if err != nil {
		return apply.ChangeSet{}, err
	}
	plan, err := desired.Build(desired.Inputs{
		Service: pass.Service, Operator: r.operator, Served: served, Children: snapshot.Children(), Secrets: facts,
	})
	if err != nil {
		return apply.ChangeSet{}, &buildError{err}
	}
	if err := r.awaitTurn(ctx, pass.Service, plan, snapshot); err != nil {
		plan.Withheld = desired.Components() // what is there is kept as it is
		changes, applyErr := r.applier.Apply(ctx, pass.Service, plan)
		return changes, errors.Join(err, applyErr)
	}
	pass.State = &plan
	changes, err := r.applier.Apply(ctx, pass.Service, plan)
	pass.Wrote = !changes.Empty()
	return changes, err
}
