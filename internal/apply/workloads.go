package apply

import (
	"context"
	"fmt"

	"github.com/ragservice/ragservice-operator/api/v1alpha1"
	"github.com/ragservice/ragservice-operator/internal/desired"
)

// WorkloadState says how the workloads that exist are beside those of a plan.
type WorkloadState int

// Values of WorkloadState, in the order in which one workload speaks for all.
const (
	// WorkloadsWritten are as they were rendered, or there is none.
	WorkloadsWritten WorkloadState = iota
	// WorkloadsUnseen were written, and the cache does not show it yet.
	WorkloadsUnseen
	// WorkloadsOutdated would be written by Apply, because what they are made from changed.
	WorkloadsOutdated
)

// Workloads compares the workloads of plan with those that exist. It makes no request.
func (a *Applier) Workloads(ctx context.Context, rag *v1alpha1.RAGService, plan desired.Plan) (WorkloadState, error) {
	p := &pass{Applier: a, rag: rag}
	state := WorkloadsWritten
	for _, o := range plan.Objects() {
		if !o.IsWorkload() {
			continue
		}
		r, err := render(o)
		if err != nil {
			return state, err
		}
		cached, err := p.cached(ctx, r)
		if err != nil {
			return state, fmt.Errorf("reading %s %s: %w", r.GetKind(), r.GetName(), err)
		}
		switch {
		case cached == nil || p.checkOwner(cached) != nil:
		case p.showsEarlier(cached, r):
			state = max(state, WorkloadsUnseen)
		case cached.GetAnnotations()[AnnotationAppliedHash] != r.hash:
			state = WorkloadsOutdated
		}
	}
	return state, nil
}
