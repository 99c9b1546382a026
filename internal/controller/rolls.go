package controller

import (
	"context"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/apply"
	"github.com/ragservice/ragservice-operator/internal/desired"
	"github.com/ragservice/ragservice-operator/internal/observe"
)

// rolls bounds how many RAGServices have their pods replaced at once though their specs did not change: a new version of the
// operator, or other images, would replace those of all at the same time. A service whose pods do not come back keeps its place, so
// that a bad version stops after max services.
type rolls struct {
	// max is 0 for no bound.
	max int

	mu      sync.Mutex
	holders map[types.NamespacedName]bool
}

func newRolls(most int) *rolls { return &rolls{max: most, holders: map[types.NamespacedName]bool{}} }

// enter gives a RAGService a place, if it has none yet and one is free, and says whether it has one.
func (r *rolls) enter(key types.NamespacedName) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.holders[key] && len(r.holders) >= r.max {
		return false
	}
	r.holders[key] = true
	return true
}

func (r *rolls) leave(key types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.holders, key)
}

// queuedError is a pass that waits for the pods of other services.
type queuedError struct{ most int }

func (e *queuedError) Error() string {
	return fmt.Sprintf("newer pods wait until fewer than %d other services are having theirs replaced (--max-concurrent-rolls)", e.most)
}

// awaitTurn returns an error while pods of a service would be replaced for reasons of the operator and it is not its turn. One that is
// not Ready has nothing to lose, and what a user changed never waits.
func (r *Reconciler) awaitTurn(ctx context.Context, rag *v1alpha1.RAGService, plan desired.Plan, snapshot *observe.Snapshot) error {
	if r.rolls.max == 0 {
		return nil
	}
	workloads, err := r.applier.Workloads(ctx, rag, plan)
	if err != nil {
		return err
	}
	key := client.ObjectKeyFromObject(rag)
	switch {
	case workloads == apply.WorkloadsWritten && snapshot.RolledOut():
		r.rolls.leave(key)
	case workloads == apply.WorkloadsOutdated && isReadyAsObserved(rag) && !r.rolls.enter(key):
		return &queuedError{r.rolls.max}
	}
	return nil
}
